import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { copyConfigurations, namesIn, terraformFolder } from '../../terraform/testing/harness/configurations.ts'
import { type Plugins, servePlugins } from '../../terraform/testing/harness/plugins.ts'
import { type MeshOfZones, startMeshOfZones } from './mesh-of-zones.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

const skerrySource = 'registry.terraform.io/skerry/skerry'

let mesh: MeshOfZones
let plugins: Plugins
let workspace: Workspace

before(async () => {
  if (skipWithoutTerraform.skip) return
  mesh = await startMeshOfZones(['aws-1', 'azure-1', 'gcp-1'])
  plugins = await servePlugins({ [skerrySource]: skerryHandlers(mesh.environment) })
  workspace = await Workspace.open(plugins.environment)
  await copyConfigurations(workspace.directory)
})

after(async () => {
  await workspace?.[Symbol.asyncDispose]()
  await plugins?.[Symbol.asyncDispose]()
  await mesh?.[Symbol.asyncDispose]()
})

test('every configuration is written as terraform fmt writes it', skipWithoutTerraform, async () => {
  const { exitCode, output } = await workspace.run('fmt', '-check', '-recursive', terraformFolder)
  assert.equal(exitCode, 0, `terraform fmt -recursive terraform/ changes:\n${output}`)
})

for (const name of namesIn('modules')) {
  test(`module ${name} is valid, and does what its tests say`, skipWithoutTerraform, async () => {
    const module = workspace.within(`modules/${name}`)

    await module.must(['init', '-backend=false', '-input=false'])
    await module.must(['validate'])
    const { output } = await module.must(['test'])

    assert.match(output, /Success! [1-9]\d* passed, 0 failed/)
  })
}
