import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { freePorts } from '../../dev/layout.ts'
import { failuresOf, Load, type Sample } from '../../dev/load.ts'
import { DemoMesh } from '../../dev/mesh.ts'
import { DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema } from '../../src/gen/envoy/service/discovery/v3/discovery_pb.js'
import { fetchCa } from '../../src/identity/first-contact.ts'
import { peekToken } from '../../src/identity/token-claims.ts'
import { connectStream, GrpcChannel } from '../../src/std/grpc-channel.ts'
import { DELTA_ADS_PATH } from '../../src/xds/ads-server.ts'
import { SDS } from '../../src/xds/resource-types.ts'
import { trustWithinMs } from '../../src/zone-cp/trust/trust-counts.ts'

/** A third zone comes to the running mesh, under load from all sides, while control planes die. */
let mesh: DemoMesh
let directory: string
const loads: Load[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-join-'))
  mesh = await DemoMesh.start({ dataDir: directory, restartAfterMs: null })
})

after(async () => {
  await Promise.all(loads.map(load => load.stop()))
  await mesh?.stop()
  await rm(directory, { recursive: true, force: true })
})

const perSecond = 200

/** A service of every zone that has an instance of it. */
function multiZone(name: string): Promise<unknown> {
  const spec = {
    selector: { meshService: { matchLabels: { 'kuma.io/display-name': name } } },
    ports: [{ name: 'main', port: 80, appProtocol: 'http' }],
  }
  const body = { type: 'MeshMultiZoneService', mesh: 'default', name, spec }
  return mesh.api(mesh.globalApi, `/meshes/default/meshmultizoneservices/${name}`, { method: 'PUT', body })
}

/** Through the HTTP proxy port of a sidecar. */
function load(proxyPort: number, service: string): Load {
  return begin(new Load(`http://127.0.0.1:${proxyPort}/`, perSecond, { host: `${service}.mesh` }))
}

/** A load that nobody stops would keep a failed test from ending. */
function begin(load: Load): Load {
  loads.push(load)
  return load
}

function zoneOf(sample: Sample): string {
  return /"zone":"([^"]+)"/.exec(sample.body)?.[1] ?? ''
}

/** Of a control plane; resolves when it answers again. */
async function restart(name: string, downMs: number): Promise<void> {
  assert.ok(mesh.supervisor.kill(name), `${name} runs`)
  await pause(downMs)
  await eventually(`${name} has ended`, () => Promise.resolve(!mesh.supervisor.isRunning(name)))
  mesh.supervisor.revive(name)
  await mesh.answers(name === 'global' ? mesh.globalApi : mesh.zoneApi(name), name)
}

function assertNoneFailed(samples: readonly Sample[], what: string): void {
  const failed = failuresOf(samples)
  const told = failed.slice(0, 5).map(sample => ({ at: Math.round(sample.at), status: sample.status, body: sample.body.slice(0, 300) }))
  assert.deepEqual(told, [], `${failed.length} of ${samples.length} ${what}`)
}

test('a zone joins under load from both sides, while control planes are killed, and no request fails', async () => {
  const { ports } = mesh.layout
  const free = await freePorts(['api', 'xds', 'ingress', 'ledger-aws-1', 'ledger-gcp-1', 'ledger-proxy', 'till', 'till-proxy'])
  // Callers in azure-1 have no instance of their own: they use the joiner's as soon as it is published.
  await multiZone('ledger')
  await mesh.startApplication('ledger', 'aws-1', free['ledger-aws-1'])
  await mesh.startSidecar('ledger', 'aws-1', free['ledger-aws-1'])
  const intoJoiner = load(ports['web-http-proxy'], 'ledger')
  const first = await intoJoiner.until(sample => zoneOf(sample) === 'aws-1', 15_000)

  const zoneStarts = mesh.startZone('gcp-1', { api: free.api, xds: free.xds })
  await pause(300)
  await restart('azure-1', 500)
  await zoneStarts
  await Promise.all([
    mesh.startApplication('ledger', 'gcp-1', free['ledger-gcp-1']),
    mesh.startApplication('till', 'gcp-1', free.till),
    mesh.startZoneGateway('gcp-1', free.ingress),
    mesh.startSidecar('ledger', 'gcp-1', free['ledger-gcp-1']),
    mesh.startSidecar('till', 'gcp-1', free.till, ['--http-proxy-port', String(free['till-proxy'])]),
  ])
  // The joiner's callers begin with the first answer that they get, and fail no more from then on.
  const fromJoiner = load(free['till-proxy'], 'payments')
  const begun = await fromJoiner.until(sample => sample.ok, 30_000)
  await restart('gcp-1', 500)
  const joined = await intoJoiner.until(sample => zoneOf(sample) === 'gcp-1', 30_000)
  await restart('global', 500)
  await intoJoiner.until(sample => zoneOf(sample) === 'gcp-1', 15_000, intoJoiner.elapsedMs + 1000)
  await restart('aws-1', 500)
  await pause(5000)

  const [into, from] = await Promise.all([intoJoiner.stop(), fromJoiner.stop()])
  // Stronger than that no request fails, which retries alone may bring about: not one connection was refused.
  assert.deepEqual(await failedTries('web-azure-1', 'ledger'), {})
  assert.deepEqual(await failedTries('till-gcp-1', 'payments'), {})
  assertNoneFailed(
    into.filter(sample => sample.at >= first.at),
    `calls of azure-1 failed while gcp-1 joined (its first answer came at ${Math.round(joined.at)} ms)`,
  )
  assertNoneFailed(
    from.filter(sample => sample.at >= begun.at),
    `calls of gcp-1 to the zones before it failed after the first answer (at ${Math.round(begun.at)} ms)`,
  )
  assert.ok(into.filter(sample => zoneOf(sample) === 'gcp-1').length > perSecond, 'the joiner answers a good part')
  assert.ok(from.some(sample => zoneOf(sample) !== 'gcp-1'))
})

test('every zone takes a new root under load, and no request fails', async () => {
  const { ports } = mesh.layout
  const zones = ['aws-1', 'azure-1', 'gcp-1']
  const path = '/meshes/default/meshidentities/identity'
  const inUse = async (zone: string) => {
    const { items } = (await mesh.api(mesh.zoneApi(zone), '/meshes/default/trustacknowledgements')) as { items: Acknowledged[] }
    const own = items.find(item => item.labels['kuma.io/zone'] === zone)!
    const issuing = own.status?.rotation?.find(root => root.state === 'issuing')?.root
    return issuing ?? own.spec.signedBy.flatMap(({ roots }) => roots).join()
  }
  const before = await Promise.all(zones.map(inUse))
  const into = load(ports['web-http-proxy'], 'ledger')
  const through = begin(new Load(mesh.urls.shop, perSecond / 2))
  await Promise.all([into.until(sample => sample.ok, 15_000), through.until(sample => sample.ok, 15_000)])

  const identity = (await mesh.api(mesh.globalApi, path)) as { labels: Record<string, string> }
  const labels = { ...identity.labels, 'skerry.io/rotation': '1' }
  await mesh.api(mesh.globalApi, path, { method: 'PUT', body: { ...identity, labels } })
  await pause(1500)
  await restart('aws-1', 500)
  const deadline = Date.now() + 60_000
  for (const [index, zone] of zones.entries()) {
    while ((await inUse(zone).catch(() => before[index])) === before[index]) {
      assert.ok(Date.now() < deadline, `zone ${zone} signs with its new root`)
      await pause(250)
    }
  }
  await pause(5000)

  const [remote, shop] = await Promise.all([into.stop(), through.stop()])
  assertNoneFailed(remote, 'calls into another zone failed while roots changed')
  assertNoneFailed(shop, 'calls through the gateway failed while roots changed')
})

test('a zone is not called while a proxy has not taken what it needs to believe it, for as long as that is waited for', async context => {
  const ports = await freePorts(['vault'])
  await multiZone('vault')
  await mesh.startApplication('vault', 'aws-1', ports.vault)
  await mesh.startSidecar('vault', 'aws-1', ports.vault)
  const calls = load(mesh.layout.ports['web-http-proxy'], 'vault')
  const { at: firstAt } = await calls.until(sample => zoneOf(sample) === 'aws-1', 15_000)
  const callersZones = async () => {
    const { items } = (await mesh.api(mesh.zoneApi('azure-1'), '/meshes/default/dataplanes?filter[labels.kuma.io/workload]=web')) as {
      items: { name: string }[]
    }
    const shown = (await mesh.api(mesh.zoneApi('azure-1'), `/meshes/default/dataplanes/${items[0]!.name}/_inspect`)) as Inspected
    const cluster = shown.clusters.find(({ name }) => name.includes('_vault_'))
    return new Set(cluster?.endpoints?.groups.map(({ zone }) => zone))
  }
  assert.deepEqual(await callersZones(), new Set(['aws-1']))

  const slow = await holdBackTrust(context)
  const free = await freePorts(['api', 'xds', 'ingress', 'vault'])
  await mesh.startZone('onprem-1', { api: free.api, xds: free.xds })
  await Promise.all([
    mesh.startApplication('vault', 'onprem-1', free.vault),
    mesh.startZoneGateway('onprem-1', free.ingress),
    mesh.startSidecar('vault', 'onprem-1', free.vault),
  ])
  const heldBackAt = await slow.heldBackAt
  // What a call needs beside trust.
  for (const kind of ['meshservices', 'meshzoneaddresses', 'servicecapacities', 'trustacknowledgements'])
    await eventually(`${kind} of onprem-1 are known in azure-1`, async () => {
      const { items } = (await mesh.api(mesh.zoneApi('azure-1'), `/meshes/default/${kind}`)) as {
        items: { labels: Record<string, string> }[]
      }
      return items.some(({ labels }) => labels['kuma.io/zone'] === 'onprem-1')
    })
  context.diagnostic(`all else was known ${Math.round(performance.now() - heldBackAt)} ms after the bundle was sent`)
  await eventually('onprem-1 is called', async () => (await callersZones()).has('onprem-1'))
  // As long as it may hold others up, and no longer.
  assert.ok(
    performance.now() - heldBackAt > trustWithinMs,
    `onprem-1 was called ${Math.round(performance.now() - heldBackAt)} ms after that`,
  )
  await calls.until(sample => zoneOf(sample) === 'onprem-1', 15_000)
  assertNoneFailed(
    (await calls.stop()).filter(sample => sample.at > firstAt),
    'calls failed',
  )
})

interface Inspected {
  readonly clusters: readonly { readonly name: string; readonly endpoints?: { readonly groups: readonly { readonly zone: string }[] } }[]
}

/** A proxy of azure-1 that takes the trust bundle there is, and says nothing to the next one. */
async function holdBackTrust(context: TestContext): Promise<{ readonly heldBackAt: Promise<number> }> {
  const zone = mesh.zoneApi('azure-1')
  const dataplane = {
    ...{ type: 'Dataplane', mesh: 'default', name: 'slow-1', labels: { 'kuma.io/workload': 'slow' } },
    networking: { address: '127.0.0.1', inbound: [{ port: 9, name: 'main', protocol: 'http' }] },
  }
  await mesh.api(zone, '/meshes/default/dataplanes/slow-1', { method: 'PUT', body: dataplane })
  const token = String(await mesh.api(zone, '/tokens/dataplane', { method: 'POST', body: { mesh: 'default', name: 'slow-1' } }))
  const address = `127.0.0.1:${mesh.layout.ports['azure-1-xds']}`
  const rootCaPem = await fetchCa(address, peekToken(token)!.ca)
  const channel = new GrpcChannel(address, { tls: { rootCaPem, serverName: 'skerry-cp' } })
  context.after(() => channel.close())
  const stream = connectStream(channel, DELTA_ADS_PATH, { authorization: `Bearer ${token}` })
  const say = (init: MessageInitShape<typeof DeltaDiscoveryRequestSchema>) =>
    stream.send(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { typeUrl: SDS, ...init })))
  say({ node: { id: 'default.slow-1' }, resourceNamesSubscribe: ['trust'] })
  let count = 0
  const heldBackAt = new Promise<number>(resolve => {
    void (async () => {
      for await (const bytes of stream.messages) {
        const { nonce } = fromBinary(DeltaDiscoveryResponseSchema, bytes)
        if (++count === 1) say({ responseNonce: nonce })
        else resolve(performance.now())
      }
    })().catch(() => {})
  })
  await eventually('the proxy has its first trust bundle', () => Promise.resolve(count > 0))
  return { heldBackAt }
}

async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, what)
    await pause(200)
  }
}

interface Acknowledged {
  readonly labels: Record<string, string>
  readonly spec: { readonly signedBy: readonly { readonly roots: readonly string[] }[] }
  readonly status?: { readonly rotation?: readonly { readonly root: string; readonly state: string }[] }
}

/** What a sidecar counts of one service that it calls, beside requests: tries that failed, by reason. */
async function failedTries(sidecar: string, service: string): Promise<Record<string, number>> {
  const ports = JSON.parse(await readFile(join(directory, sidecar, 'ports.json'), 'utf8')) as { admin: string }
  const text = await (await fetch(`http://${ports.admin}/stats`)).text()
  const lines = text.matchAll(/^skerry_cluster_failures_total\{cluster="([^"]*)",reason="([^"]*)"\} (\d+)$/gm)
  return Object.fromEntries(
    [...lines].filter(([, cluster]) => cluster?.includes(`_${service}_`)).map(([, , reason, count]) => [reason, Number(count)]),
  )
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
