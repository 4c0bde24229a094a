import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { DeltaDiscoveryRequestSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js'
import { Backoff } from '../std/backoff.ts'
import { ManualClock } from '../std/clock.ts'
import { memoryStreamPair } from '../std/memory-stream.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { AdsClient, type AdsClientState } from './ads-client.ts'
import { type Admission, type StreamOpening, type StreamSession, serveDiscovery } from './ads-server.ts'
import type { ResourceUpdate } from './delta-client.ts'
import { encodeResource } from './resource.ts'
import { CDS, EDS, envoyTypes, VHDS } from './resource-types.ts'
import { Snapshot } from './snapshot.ts'

/** A client and the server it dials, in memory. */
function aPair(
  options: { session?: Partial<StreamSession>; admit?: (opening: StreamOpening) => Admission; verdict?: () => string | null } = {},
) {
  const clock = new ManualClock()
  const snapshot = new Snapshot()
  const updates: ResourceUpdate[] = []
  const states: AdsClientState[] = []
  const streams: MessageStream[] = []
  const client = new AdsClient({
    node: { id: 'default.web' },
    connect() {
      const pair = memoryStreamPair({ metadata: { authorization: 'Bearer abc' } })
      streams.push(pair.server)
      void serveDiscovery(pair.server, {
        variant: 'delta',
        types: envoyTypes,
        admit: options.admit ?? (() => ({ kind: 'open', session: { snapshot, ...options.session } })),
      })
      return pair.client
    },
    onUpdate(update) {
      updates.push(update)
      return options.verdict?.() ?? null
    },
    onState: state => states.push(state),
    clock,
    backoff: new Backoff({ baseMs: 100, maxMs: 1000, random: { next: () => 0.5 } }),
  })
  const set = (typeUrl: string, name: string, content: string) => snapshot.set(typeUrl, encodeResource(typeUrl, name, Buffer.from(content)))
  const take = () =>
    updates
      .splice(0)
      .flatMap(({ added, removed }) => [
        ...added.map(r => `${r.name}=${r.value ? Buffer.from(r.value) : 'nothing'}`),
        ...removed.map(name => `-${name}`),
      ])
  return { client, snapshot, set, take, states, streams, clock, updates }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('a change reaches the client without a timer', async () => {
  const { client, set, take } = aPair()
  client.subscribe(EDS, ['orders'])
  client.start()
  set(EDS, 'orders', '1')
  await settled()
  set(EDS, 'orders', '2')
  await settled()

  assert.deepEqual(take(), ['orders=1', 'orders=2'])
  await client.close()
})

test('changes of one go travel together', async () => {
  const { client, set, updates } = aPair()
  client.subscribe(EDS, ['a', 'b'])
  client.start()
  await settled()

  set(EDS, 'a', '1')
  set(EDS, 'b', '1')
  set(EDS, 'a', '2')
  await settled()

  assert.equal(updates.length, 1)
  assert.equal(updates[0]!.added.length, 2)
  await client.close()
})

test('after a cut the client is connected again and gets only the difference', async () => {
  const { client, set, take, streams, clock, states } = aPair()
  set(CDS, 'a', '1')
  set(CDS, 'b', '1')
  client.subscribe(CDS, '*')
  client.start()
  await settled()
  take()

  streams[0]!.end({ code: 'UNAVAILABLE', message: 'cut' })
  set(CDS, 'b', '2')
  await clock.run(50)
  await settled()

  assert.deepEqual(take(), ['b=2'])
  assert.deepEqual(states, [
    { kind: 'connected' },
    { kind: 'disconnected', status: { code: 'UNAVAILABLE', message: 'cut' }, retryInMs: 50 },
    { kind: 'connected' },
  ])
  await client.close()
})

test('what is held from an earlier process is not sent again', async () => {
  const { client, set, take } = aPair()
  set(CDS, 'a', '1')
  set(CDS, 'b', '1')
  client.hold(CDS, [['a', encodeResource(CDS, 'a', Buffer.from('1')).version]])
  client.subscribe(CDS, '*')
  client.start()
  await settled()

  assert.deepEqual(take(), ['b=1'])
  assert.deepEqual([...client.held(CDS).keys()].sort(), ['a', 'b'])
  await client.close()
})

test('a refused update is not held, and the server hears why', async () => {
  const heard: string[] = []
  const { client, set } = aPair({ verdict: () => 'no such transport socket', session: { onRefused: refused => heard.push(refused.error) } })
  client.subscribe(EDS, ['orders'])
  client.start()
  set(EDS, 'orders', '1')
  await settled()

  assert.deepEqual(heard, ['no such transport socket'])
  assert.equal(client.held(EDS).size, 0)
  await client.close()
})

test('the server hears what was acknowledged, with versions', async () => {
  const heard: unknown[] = []
  const { client, set } = aPair({ session: { onAcknowledged: ({ typeUrl, versions }) => heard.push([typeUrl, ...versions]) } })
  client.subscribe(EDS, ['orders'])
  client.start()
  set(EDS, 'orders', '1')
  await settled()

  assert.deepEqual(heard, [[EDS, ['orders', encodeResource(EDS, 'orders', Buffer.from('1')).version]]])
  await client.close()
})

test('a resource made when it is first asked for arrives in the same answer', async () => {
  const pair = aPair({
    session: {
      onSubscribe(typeUrl, names) {
        for (const name of names) if (name.endsWith('/hello.mesh')) pair.set(typeUrl, name, 'made')
      },
    },
  })
  pair.client.start()
  pair.client.subscribe(VHDS, ['http_proxy/hello.mesh', 'http_proxy/nobody.mesh'])
  await settled()
  pair.snapshot.setMissing(VHDS, 'http_proxy/nobody.mesh')
  await settled()

  assert.deepEqual(pair.take(), ['http_proxy/hello.mesh=made', 'http_proxy/nobody.mesh=nothing'])
  await pair.client.close()
})

test('what a client unsubscribes is forgotten, and comes again when it is asked for again', async () => {
  const { client, set, take } = aPair()
  set(EDS, 'a', '1')
  client.subscribe(EDS, ['a'])
  client.start()
  await settled()

  client.unsubscribe(EDS, ['a'])
  await settled()
  assert.equal(client.held(EDS).size, 0)
  client.subscribe(EDS, ['a'])
  await settled()

  assert.deepEqual(take(), ['a=1', 'a=1'])
  await client.close()
})

test('who may not come in is told why, and tries again later', async () => {
  const status: StreamStatus = { code: 'UNAUTHENTICATED', message: 'token expired' }
  const { client, states, clock, streams } = aPair({ admit: () => ({ kind: 'refused', status }) })
  client.subscribe(CDS, '*')
  client.start()
  await settled()

  assert.deepEqual(states, [{ kind: 'disconnected', status, retryInMs: 50 }])
  await clock.run(50)
  assert.equal(streams.length, 2)
  await client.close()
})

test('the server sees node, metadata and the end of the stream', async () => {
  let opening: StreamOpening | undefined
  let ended: StreamStatus | undefined
  const snapshot = new Snapshot()
  const { client } = aPair({
    admit(given) {
      opening = given
      return { kind: 'open', session: { snapshot, onClose: status => (ended = status) } }
    },
  })
  client.subscribe(CDS, '*')
  client.start()
  await settled()
  await client.close()
  await settled()

  assert.equal(opening?.node.id, 'default.web')
  assert.equal(opening?.metadata.get('authorization'), 'Bearer abc')
  assert.equal(ended?.code, 'CANCELLED')
})

test('a stream belongs to the node that opened it', async () => {
  const { client, server } = memoryStreamPair()
  const serving = serveDiscovery(server, {
    variant: 'delta',
    types: envoyTypes,
    admit: () => ({ kind: 'open', session: { snapshot: new Snapshot() } }),
  })
  const request = (id: string) => toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { node: { id }, typeUrl: CDS }))

  client.send(request('default.web'))
  client.send(request('default.admin'))
  await serving

  assert.equal((await client.closed).code, 'INVALID_ARGUMENT')
})

test('bytes that are no request, and a first message without a node, end the stream', async () => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1'),
    toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { typeUrl: CDS })),
  ]) {
    const { client, server } = memoryStreamPair()
    const serving = serveDiscovery(server, { variant: 'delta', types: envoyTypes, admit: () => assert.fail('must not be asked') })

    client.send(bytes)
    await serving

    assert.equal((await client.closed).code, 'INVALID_ARGUMENT')
  }
})

test('a client that does not read is sent nothing more, and then the newest', async () => {
  const snapshot = new Snapshot()
  const { client, server } = memoryStreamPair()
  // The other direction of a full link: sixteen messages fit.
  for (let i = 0; i < 16; i++) server.send(Buffer.alloc(0))
  void serveDiscovery(server, { variant: 'delta', types: envoyTypes, admit: () => ({ kind: 'open', session: { snapshot } }) })
  const ask = (typeUrl: string) =>
    client.send(
      toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, { node: { id: 'x' }, typeUrl, resourceNamesSubscribe: ['a'] }),
      ),
    )
  snapshot.set(EDS, encodeResource(EDS, 'a', Buffer.from('1')))
  ask(EDS)
  ask(VHDS)
  await settled()
  for (const content of ['1', '2', '3']) snapshot.set(VHDS, encodeResource(VHDS, 'a', Buffer.from(content)))
  await settled()

  const sizes: number[] = []
  for await (const bytes of client.messages) {
    sizes.push(bytes.length)
    if (sizes.length === 18) break
  }
  assert.equal(sizes.filter(size => size > 0).length, 2)
  client.end({ code: 'CANCELLED', message: '' })
})
