import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../../terraform/provider/settings.ts'
import { skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { copyConfigurations, namesIn } from '../../terraform/testing/harness/configurations.ts'
import { servePlugins } from '../../terraform/testing/harness/plugins.ts'
import { writtenResources } from './all-resources.ts'
import { type MeshOfZones, startMeshOfZones } from './mesh-of-zones.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

interface Situation {
  /** Zones whose control planes run in the test. */
  readonly zones: readonly string[]
  /** By the module that is about it: a zone that is there before its module, since its control plane runs here and not in a cloud. */
  readonly imports?: Readonly<Record<string, string>>
  readonly prepare?: (mesh: MeshOfZones) => Promise<void>
  /** Whose API the configuration is applied to; otherwise global's. */
  readonly environment?: (mesh: MeshOfZones) => Environment
}

const situations: Readonly<Record<string, Situation>> = {
  'two-cloud-failover': { zones: ['aws-1', 'azure-1'], imports: { aws_1: 'aws-1', azure_1: 'azure-1' } },
  'three-clouds': { zones: ['aws-1', 'azure-1', 'gcp-1'], imports: { aws_1: 'aws-1', azure_1: 'azure-1', gcp_1: 'gcp-1' } },
  'brownfield-vm': { zones: ['aws-1'], environment: mesh => mesh.environmentOf('aws-1'), prepare: enterByHand },
  'lambda-behind-gateway': { zones: ['aws-1'] },
}

async function enterByHand(mesh: MeshOfZones): Promise<void> {
  const labels = { 'kuma.io/workload': 'billing', 'skerry.io/proxy': 'none', 'skerry.io/cloud': 'aws', 'skerry.io/region': 'eu-central-1' }
  const networking = { address: '10.0.3.7', inbound: [{ name: 'main', port: 8080, protocol: 'http' }] }
  const body = { type: 'Dataplane', mesh: 'default', name: 'billing-1', labels, networking }
  const { status } = await mesh.askZone('aws-1', '/meshes/default/dataplanes/billing-1', { method: 'PUT', body })
  assert.equal(status, 201)
}

function importBlocks(zones: Readonly<Record<string, string>>): string {
  return Object.entries(zones)
    .map(([module, zone]) => `import {\n  to = module.${module}.skerry_zone.this[0]\n  id = "${zone}"\n}\n`)
    .join('\n')
}

test('every example has a situation in which it is applied', () => {
  assert.deepEqual(namesIn('examples'), Object.keys(situations).sort())
})

for (const [name, situation] of Object.entries(situations)) {
  test(`example ${name}: applied, it is as planned; destroyed, nothing of it is left`, skipWithoutTerraform, async () => {
    await using mesh = await startMeshOfZones(situation.zones)
    const environment = situation.environment?.(mesh) ?? mesh.environment
    await using plugins = await servePlugins({ 'registry.terraform.io/skerry/skerry': skerryHandlers(environment) })
    await using workspace = await Workspace.open(plugins.environment)
    await copyConfigurations(workspace.directory)
    const example = workspace.within(`examples/${name}`)
    await example.write({ 'import.tf': importBlocks(situation.imports ?? {}) })
    const before = await writtenResources(mesh.ask)
    await situation.prepare?.(mesh)

    await example.must(['init', '-input=false'])
    await example.must(['validate'])
    await example.apply()
    await example.planNothing()
    const during = await writtenResources(mesh.ask)
    // What has been imported is not there to be imported again.
    await example.remove('import.tf')
    await example.must(['plan', '-destroy', '-input=false', '-out=destroy.plan'])
    // Their control planes end with what they run in, which goes before the zones do.
    if (situation.imports) await mesh.stopZones()
    await example.must(['apply', '-input=false', 'destroy.plan'])
    const after = await writtenResources(mesh.ask)

    assert.notDeepEqual(during, before, 'it made something')
    // A zone that is deleted takes with it what was its own.
    const deleted = Object.values(situation.imports ?? {})
    const isOf = (line: string) => deleted.some(zone => line.startsWith(`Zone /${zone} `) || line.includes(`"kuma.io/zone":"${zone}"`))
    assert.deepEqual(
      after,
      before.filter(line => !isOf(line)),
    )
  })
}
