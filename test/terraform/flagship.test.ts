import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../../dev/layout.ts'
import { Load, servedBy } from '../../dev/load.ts'
import { DemoMesh } from '../../dev/mesh.ts'
import { shop, skerry, until } from '../../dev/parts.ts'
import { skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { copyConfigurations } from '../../terraform/testing/harness/configurations.ts'
import { type Plugins, servePlugins } from '../../terraform/testing/harness/plugins.ts'
import { allResources } from './all-resources.ts'
import type { Ask } from './mesh-of-zones.ts'
import { plannedChanges } from './planned-changes.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

/** The example two-cloud-failover against the running demo: its own mesh, whose workloads run beside those of the shop. */
const meshName = 'shop'
const zones = ['aws-1', 'azure-1'] as const
const portNames = [
  ...zones.flatMap(zone => [`${zone}-app`, `${zone}-ingress`, `${zone}-inbound`] as const),
  ...(['orders-app', 'orders-inbound', 'orders-http-proxy'] as const),
]

let demo: DemoMesh
let directory: string
let ports: Record<(typeof portNames)[number], number>
let plugins: Plugins
let workspace: Workspace
let example: Workspace
let resourcesBefore: readonly string[]
const proxies: ChildProcess[] = []
const applications: ChildProcess[] = []

const ask: Ask = async (path, init) => ({ status: 200, body: await demo.api(demo.globalApi, path, init) })
const withoutClouds = ['-var', 'create_clouds=false']

before(async () => {
  if (skipWithoutTerraform.skip) return
  directory = await mkdtemp(join(tmpdir(), 'skerry-flagship-'))
  demo = await DemoMesh.start({ dataDir: join(directory, '.skerry'), restartAfterMs: null })
  ports = await freePorts(portNames)
  plugins = await servePlugins({
    'registry.terraform.io/skerry/skerry': skerryHandlers({ SKERRY_ENDPOINT: demo.globalApi, SKERRY_TOKEN: demo.layout.adminToken }),
  })
  workspace = await Workspace.open(plugins.environment)
  await copyConfigurations(workspace.directory)
  example = workspace.within('examples/two-cloud-failover')
  await example.must(['init', '-input=false'])
})

after(async () => {
  for (const child of [...proxies, ...applications]) child.kill('SIGKILL')
  await workspace?.[Symbol.asyncDispose]()
  await plugins?.[Symbol.asyncDispose]()
  await demo?.stop()
  if (directory) await rm(directory, { recursive: true, force: true })
})

test('applied to the running mesh, requests go where the policy says', skipWithoutTerraform, async () => {
  resourcesBefore = await allResources(ask)

  await example.apply(...withoutClouds)
  await startWorkloads()

  // Until aws-1 is published, azure-1 answers.
  const starting = anOrdersLoad()
  const first = await starting.until(sample => servedBy(sample) === 'aws-1', 60_000)
  await starting.until(sample => servedBy(sample) === 'aws-1', 5000, first.at + 1000)
  await starting.stop()
  const load = anOrdersLoad()
  await load.until(sample => sample.at > 1000, 10_000)
  const samples = await load.stop()
  assert.deepEqual([...new Set(samples.map(servedBy))], ['aws-1'], 'nobody is sent to the second zone while the first one answers')
})

test('another primary is one change in the plan, and moves the requests without losing one', skipWithoutTerraform, async () => {
  const load = anOrdersLoad()
  await load.until(sample => servedBy(sample) === 'aws-1', 15_000)

  await example.must(['plan', '-input=false', '-out=primary.plan', ...withoutClouds, '-var', 'primary=azure-1'])
  const changes = plannedChanges(JSON.parse((await example.must(['show', '-json', 'primary.plan'])).output))
  await example.must(['apply', '-input=false', 'primary.plan'])
  const moved = await load.until(sample => servedBy(sample) === 'azure-1', 15_000)
  await load.until(sample => servedBy(sample) === 'azure-1', 5000, moved.at + 500)

  assert.deepEqual(changes, [
    {
      address: 'module.failover.skerry_load_balancing_strategy.this["payments"]',
      actions: ['update'],
      paths: [
        'spec.to.0.default.locality_awareness.cross_zone.failover.0.to.zones.0',
        'spec.to.0.default.locality_awareness.cross_zone.failover.1.to.zones.0',
      ],
    },
  ])
  const samples = await load.stop()
  assert.deepEqual(
    samples.filter(sample => !sample.ok),
    [],
  )
  assert.deepEqual(
    samples.filter(sample => sample.at > moved.at + 2000 && servedBy(sample) !== 'azure-1'),
    [],
  )
})

test('destroyed, the control plane is as it was', skipWithoutTerraform, async () => {
  for (const child of proxies) await end(child)
  await until(async () => (await dataplanesOf(meshName)) === 0, 30_000)

  await example.must(['destroy', '-auto-approve', '-input=false', ...withoutClouds])

  // What the zones made in the mesh goes with it as soon as they hear that it is gone.
  const isOfMesh = (line: string) => line.split(' ')[1]!.startsWith(`${meshName}/`)
  await until(async () => !(await allResources(ask)).some(isOfMesh), 30_000)
  assert.deepEqual(await allResources(ask), resourcesBefore)
})

/** In each zone a gateway of the mesh and payments; in azure-1 also orders, which calls it. */
async function startWorkloads(): Promise<void> {
  for (const zone of zones) {
    const app = ports[`${zone}-app`]
    applications.push(startNode([shop, '--name', 'payments', '--zone', zone, '--port', String(app)]))
    await startProxy('zone-gateway', zone, ['--role', 'zone-gateway', '--ingress-port', String(ports[`${zone}-ingress`])])
    await startProxy('payments', zone, ['--port', String(app), '--inbound-port', String(ports[`${zone}-inbound`])])
  }
  applications.push(startNode([shop, '--name', 'orders', '--zone', 'azure-1', '--port', String(ports['orders-app'])]))
  await startProxy('orders', 'azure-1', [
    ...['--port', String(ports['orders-app']), '--inbound-port', String(ports['orders-inbound'])],
    ...['--http-proxy-port', String(ports['orders-http-proxy'])],
  ])
}

async function startProxy(workload: string, zone: (typeof zones)[number], args: readonly string[]): Promise<void> {
  const type = args.includes('zone-gateway') ? 'ingress' : 'dataplane'
  const tokenFile = join(directory, `${workload}-${zone}.token`)
  await until(async () => {
    // The zone makes it once it has the mesh.
    const token = await demo
      .api(demo.zoneApi(zone), '/tokens/dataplane', { method: 'POST', body: { mesh: meshName, workload, type } })
      .catch(() => undefined)
    if (token !== undefined) await writeFile(tokenFile, String(token), { mode: 0o600 })
    return token !== undefined
  }, 30_000)
  const common = ['--cp', `127.0.0.1:${demo.layout.ports[`${zone}-xds`]}`, '--token-file', tokenFile]
  const own = [
    '--service',
    workload,
    '--mesh',
    meshName,
    '--name',
    `${workload}-${zone}-tf`,
    '--data',
    join(directory, `${workload}-${zone}`),
  ]
  proxies.push(startNode([skerry, 'proxy', 'run', ...common, ...own, ...args]))
}

function startNode(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { cwd: directory, stdio: 'ignore' })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

function anOrdersLoad(): Load {
  return new Load(`http://127.0.0.1:${ports['orders-http-proxy']}/`, 50, { host: 'payments.mesh' })
}

async function dataplanesOf(mesh: string): Promise<number> {
  return ((await demo.api(demo.globalApi, `/meshes/${mesh}/dataplanes`)) as { readonly total: number }).total
}
