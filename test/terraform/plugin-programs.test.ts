import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyConfigurations, terraformFolder } from '../../terraform/testing/harness/configurations.ts'
import { writePluginDirectory } from '../../terraform/testing/harness/plugins.ts'
import { startMeshOfZones } from './mesh-of-zones.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

test('with providers as programs that Terraform starts, a module is made, is as planned, and is unmade', skipWithoutTerraform, async () => {
  await using mesh = await startMeshOfZones(['aws-1'])
  const { SKERRY_ENDPOINT, SKERRY_TOKEN } = mesh.environment
  await using compiled = await temporaryDirectory()
  // Every command starts several of them.
  await using workspace = await Workspace.open({ SKERRY_ENDPOINT, SKERRY_TOKEN, NODE_COMPILE_CACHE: compiled.path })
  await copyConfigurations(workspace.directory)
  const directory = join(workspace.directory, 'plugins')
  const main = join(terraformFolder, 'provider/main.ts')
  await writePluginDirectory(directory, [
    { source: 'registry.terraform.io/skerry/skerry', version: '0.1.0', command: [process.execPath, main] },
  ])
  const example = workspace.within('examples/lambda-behind-gateway')

  const { output } = await example.must(['init', '-input=false', `-plugin-dir=${directory}`])
  await example.apply()
  await example.planNothing()
  const { output: destroyed } = await example.must(['destroy', '-auto-approve', '-input=false'])

  assert.match(output, /Installed hashicorp\/aws v6/)
  assert.match(destroyed, /Destroy complete! Resources: 10 destroyed/)
})

async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'skerry-compiled-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
