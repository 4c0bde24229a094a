import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Load, servedBy } from '../../dev/load.ts'
import { DemoMesh } from '../../dev/mesh.ts'

/** What a user does with the running demo, by the commands that the README names. */
let mesh: DemoMesh
let directory: string
const children: ChildProcess[] = []
const servers: Server[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-journey-'))
  mesh = await DemoMesh.start({ dataDir: join(directory, '.skerry'), restartAfterMs: null })
})

after(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await mesh?.stop()
  await rm(directory, { recursive: true, force: true })
})

const skerry = join(import.meta.dirname, '../../bin/skerry.js')

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A command as typed in the directory where the demo runs. */
function run(...args: string[]): Promise<Result> {
  return new Promise(resolve => {
    execFile(process.execPath, [skerry, ...args], { cwd: directory, timeout: 30_000 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

test('get, status and inspect show the mesh, as table and as JSON', async () => {
  const zones = await run('get', 'zones')
  assert.equal(zones.code, 0, zones.err)
  assert.match(zones.out, /aws-1/)
  assert.match(zones.out, /azure-1/)

  const dataplanes = await run('get', 'dataplanes', '-o', 'json')
  assert.equal((JSON.parse(dataplanes.out) as { total: number }).total, 7, dataplanes.err)

  const services = await run('get', 'meshservices', '-o', 'yaml')
  assert.match(services.out, /display-name: payments/)

  // What zones tell global of their proxies is a second behind at most.
  let status = await run('status')
  for (let tries = 0; tries < 10 && !status.out.includes('no problems'); tries++) status = await run('status')
  assert.equal(status.code, 0, status.err)
  assert.match(status.out, /no problems/)

  const inspection = await run('inspect', 'dataplane', 'orders-azure-1', '-o', 'json')
  assert.equal(inspection.code, 0, inspection.err)
  const plan = JSON.parse(inspection.out) as { spiffeId: string; clusters: { name: string }[] }
  assert.equal(plan.spiffeId, 'spiffe://default.azure-1.mesh.local/workload/orders')
  assert.ok(plan.clusters.some(cluster => cluster.name === 'kri_mzsvc_default___payments_main'))
})

test('a user’s own workload is reached by name from both zones, and leaves without a failed request', async () => {
  const app = createServer((_, response) => response.end('hello from a VM\n'))
  servers.push(app)
  const port = await new Promise<number>(resolve => app.listen(0, '127.0.0.1', () => resolve((app.address() as { port: number }).port)))
  const token = await run('token', 'dataplane', '--zone', 'azure-1', '--workload', 'hello')
  assert.equal(token.code, 0, token.err)
  await writeFile(join(directory, 'hello.token'), token.out, { mode: 0o600 })

  const { ports } = mesh.layout
  const flags = [
    '--cp',
    `127.0.0.1:${ports['azure-1-xds']}`,
    '--token-file',
    'hello.token',
    '--service',
    'hello',
    '--port',
    String(port),
    '--data',
    'hello',
  ]
  const proxy = spawn(process.execPath, [skerry, 'proxy', 'run', ...flags], { cwd: directory, stdio: 'ignore' })
  children.push(proxy)

  const loads = [ports['web-http-proxy'], ports['payments-aws-1-http-proxy']].map(
    proxyPort => new Load(`http://127.0.0.1:${proxyPort}/`, 50, { host: 'hello.mesh' }),
  )
  const firsts = await Promise.all(loads.map(load => load.until(sample => sample.ok && sample.body === 'hello from a VM\n', 15_000)))
  await pause(2000)
  const exited = new Promise<number | null>(resolve => proxy.once('exit', resolve))
  const leaves = loads.map(load => load.elapsedMs)
  proxy.kill('SIGTERM')
  assert.equal(await exited, 0)
  const samples = await Promise.all(loads.map(load => load.stop()))
  samples.forEach((all, index) => {
    const failed = all.filter(sample => !sample.ok && sample.at > firsts[index]!.at && sample.at < leaves[index]!)
    assert.deepEqual(failed, [])
  })
})

test('a failover policy that a user applies moves traffic, and taking it back moves it back', async () => {
  const file = join(directory, 'prefer-azure.yaml')
  const policy = (first: string, second: string) => `type: MeshLoadBalancingStrategy
mesh: default
name: payments-prefers-aws-1
spec:
  to:
  - targetRef: { kind: MeshMultiZoneService, labels: { kuma.io/display-name: payments } }
    default:
      localityAwareness:
        crossZone:
          failover:
          - to: { type: Only, zones: [${first}] }
          - to: { type: Only, zones: [${second}] }
`
  const load = new Load(mesh.urls.shop, 50)
  try {
    await load.until(sample => servedBy(sample) === 'aws-1', 15_000)
    await writeFile(file, policy('azure-1', 'aws-1'))
    const applied = await run('apply', '-f', file)
    assert.equal(applied.code, 0, applied.err)
    assert.match(applied.out, /configured/)
    await load.until(sample => servedBy(sample) === 'azure-1', 5000, load.elapsedMs)
    await pause(500)
    assert.equal(load.samples.slice(-5).filter(sample => servedBy(sample) === 'azure-1').length, 5)

    await writeFile(file, policy('aws-1', 'azure-1'))
    assert.equal((await run('apply', '-f', file)).code, 0)
    await load.until(sample => servedBy(sample) === 'aws-1', 5000, load.elapsedMs)
  } finally {
    const samples = await load.stop()
    assert.deepEqual(
      samples.filter(sample => !sample.ok),
      [],
      'no request fails when a policy changes',
    )
  }
})

test('a resource is applied, listed, changed and deleted', async () => {
  const file = join(directory, 'permission.yaml')
  await writeFile(
    file,
    'type: MeshTrafficPermission\nmesh: default\nname: extra\nspec:\n  rules:\n  - default: { allow: [{ spiffeID: { type: Exact, value: spiffe://default.aws-1.mesh.local/workload/x } }] }\n',
  )
  assert.match((await run('apply', '-f', file)).out, /created/)
  assert.match((await run('apply', '-f', file)).out, /unchanged/)
  assert.match((await run('get', 'meshtrafficpermissions')).out, /extra/)
  assert.equal((await run('delete', 'meshtrafficpermission', 'extra')).code, 0)
  assert.equal((await run('get', 'meshtrafficpermission', 'extra')).code, 4)
})

test('bad input names the place and the fix, has a stable code and changes nothing', async () => {
  const apply = async (text: string) => {
    const file = join(directory, 'bad.yaml')
    await writeFile(file, text)
    return run('apply', '-f', file)
  }
  const unknownField = await apply('type: MeshTrafficPermission\nmesh: default\nname: bad\nspec:\n  rulez: []\n')
  assert.notEqual(unknownField.code, 0)
  assert.match(unknownField.err, /spec\.rulez/)

  const unknownKind = await apply('type: MeshTrafficPermision\nmesh: default\nname: bad\nspec: {}\n')
  assert.match(unknownKind.err, /MeshTrafficPermission/)

  const unknownMesh = await apply('type: MeshTrafficPermission\nmesh: nowhere\nname: bad\nspec:\n  rules:\n  - default: { allow: [{}] }\n')
  assert.match(unknownMesh.err, /nowhere/)

  const notYaml = await apply('type: [\n')
  assert.equal(notYaml.code, 65)
  assert.match(notYaml.err, /bad\.yaml:/)

  assert.equal((await run('get', 'nonsense')).code, 64)
  await writeFile(join(directory, 'wrong.token'), 'wrong\n', { mode: 0o600 })
  const denied = await run('get', 'zones', '--token-file', join(directory, 'wrong.token'))
  assert.equal(denied.code, 77)
})

test('a token of another workload, or of another zone, is refused with the reason', async () => {
  const token = (await run('token', 'dataplane', '--zone', 'azure-1', '--workload', 'mine')).out
  await writeFile(join(directory, 'mine.token'), token)
  const join_ = (zone: 'aws-1' | 'azure-1', service: string) =>
    run(
      'proxy',
      'run',
      '--cp',
      `127.0.0.1:${mesh.layout.ports[`${zone}-xds`]}`,
      '--token-file',
      'mine.token',
      '--service',
      service,
      '--port',
      '9',
      '--data',
      `refused-${service}-${zone}`,
    )

  const otherWorkload = await join_('azure-1', 'theirs')
  assert.equal(otherWorkload.code, 77, otherWorkload.err)
  assert.match(otherWorkload.err, /mine/)

  const otherZone = await join_('aws-1', 'mine')
  assert.notEqual(otherZone.code, 0)
  assert.match(otherZone.err, /SKERRY_CA_MISMATCH|another CA/)
})

test('a port that is taken is named, with the flag', async () => {
  const taken = await run(
    'global',
    'run',
    '--data',
    join(directory, 'other'),
    '--api',
    `127.0.0.1:${mesh.layout.ports['global-api']}`,
    '--sync',
    '127.0.0.1:0',
  )
  assert.notEqual(taken.code, 0)
  assert.match(taken.err, /SKERRY_PORT_TAKEN/)
})

test('stopped and started again on the same directory, the mesh has everything it had', async () => {
  const file = join(directory, 'kept.yaml')
  await writeFile(file, 'type: MeshTrafficPermission\nmesh: default\nname: kept\nspec:\n  rules:\n  - default: { allow: [{}] }\n')
  assert.equal((await run('apply', '-f', file)).code, 0)

  await mesh.stop()
  assert.deepEqual(
    mesh.supervisor.processes().filter(process => process.pid > 0),
    [],
  )
  mesh = await DemoMesh.start({ dataDir: join(directory, '.skerry'), restartAfterMs: null })

  assert.equal((await run('get', 'meshtrafficpermission', 'kept')).code, 0)
  const zones = JSON.parse((await run('get', 'zones', '-o', 'json')).out) as { total: number }
  assert.equal(zones.total, 2)
  const services = JSON.parse((await run('get', 'meshservices', '-o', 'json')).out) as {
    items: { name: string; spec: { state: string } }[]
  }
  const shop = services.items.filter(service => !service.name.startsWith('hello'))
  assert.deepEqual(
    shop.filter(service => service.spec.state !== 'Available').map(service => service.name),
    [],
  )
})

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
