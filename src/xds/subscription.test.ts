import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js'
import type { DeltaRequest, SotwRequest } from './discovery-request.ts'
import { DiscoveryState } from './discovery-state.ts'
import { encodeResource } from './resource.ts'
import { CDS, EDS, envoyTypes, LDS, RDS, SDS, VHDS } from './resource-types.ts'
import { Snapshot } from './snapshot.ts'

const shortNames = new Map([SDS, CDS, EDS, LDS, RDS, VHDS].map(url => [url, envoyTypes.get(url).shortName]))

interface Got {
  type: string
  typeUrl: string
  nonce: string
  added: string[]
  removed: string[]
}

/** A stream as its client sees it: `ask` answers with what comes back, `got` takes what was pushed. */
function aStream(variant: 'delta' | 'sotw', options: { maxBytes?: number; snapshot?: Snapshot } = {}) {
  const snapshot = options.snapshot ?? new Snapshot()
  const state = new DiscoveryState(variant, envoyTypes, options.maxBytes)
  snapshot.watch((typeUrl, name) => state.changed(typeUrl, name))
  const got = (): Got[] => {
    const all: Got[] = []
    for (let response = state.next(snapshot); response; response = state.next(snapshot)) all.push(read(variant, response.bytes))
    return all
  }
  const delta = (typeUrl: string, request: Partial<DeltaRequest> = {}) => {
    state.onRequest({ variant: 'delta', typeUrl, subscribe: [], unsubscribe: [], initialVersions: {}, nonce: '', ...request })
    return got()
  }
  const sotw = (typeUrl: string, request: Partial<SotwRequest> = {}) => {
    state.onRequest({ variant: 'sotw', typeUrl, names: [], nonce: '', ...request })
    return got()
  }
  const set = (typeUrl: string, ...entries: string[]) => {
    for (const entry of entries) {
      const [name, content = ''] = entry.split('=')
      snapshot.set(typeUrl, encodeResource(typeUrl, name!, Buffer.from(content)))
    }
  }
  const ack = (...responses: readonly Got[]) =>
    responses.flatMap(({ typeUrl, nonce }) => (variant === 'delta' ? delta(typeUrl, { nonce }) : []))
  return { snapshot, state, got, delta, sotw, set, ack }
}

function read(variant: 'delta' | 'sotw', bytes: Uint8Array): Got {
  if (variant === 'delta') {
    const { typeUrl, nonce, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes)
    const added = resources.map(({ name, resource }) => (resource ? `${name}=${Buffer.from(resource.value)}` : `${name} is nothing`))
    return { type: shortNames.get(typeUrl)!, typeUrl, nonce, added, removed: removedResources }
  }
  const { typeUrl, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes)
  const added = resources.map(({ value }) => `${Buffer.from(value)}`)
  return { type: shortNames.get(typeUrl)!, typeUrl, nonce, added, removed: [] }
}

/** `LDS +a=1 -b` */
function told(responses: readonly Got[]): string[] {
  return responses.map(({ type, added, removed }) => [type, ...added.map(name => `+${name}`), ...removed.map(name => `-${name}`)].join(' '))
}

const version = (content: string) => encodeResource(CDS, 'x', Buffer.from(content)).version

test('delta: a first request without names asks for all listeners and clusters', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1', 'b=1')

  assert.deepEqual(told(stream.delta(CDS)), ['CDS +a=1 +b=1'])
})

test('delta: a first request without names asks for nothing of the other types', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')

  assert.deepEqual(stream.delta(EDS), [])
})

test('delta: a wildcard is answered even when there is nothing', () => {
  assert.deepEqual(told(aStream('delta').delta(LDS)), ['LDS'])
})

test('delta: a name added to a wildcard keeps the wildcard, until it is unsubscribed', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')
  stream.ack(...stream.delta(CDS))

  stream.ack(...stream.delta(CDS, { subscribe: ['b'] }))
  stream.set(CDS, 'c=1')
  const whileWildcard = stream.got()
  stream.ack(...whileWildcard)
  stream.delta(CDS, { unsubscribe: ['*'] })
  stream.set(CDS, 'd=1', 'b=1')

  assert.deepEqual(told(whileWildcard), ['CDS +c=1'])
  assert.deepEqual(told(stream.got()), ['CDS +b=1'])
})

test('delta: a name subscribed again is answered although it was sent', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')
  stream.ack(...stream.delta(EDS, { subscribe: ['a'] }))

  assert.deepEqual(told(stream.delta(EDS, { subscribe: ['a'] })), ['EDS +a=1'])
})

test('delta: a client that returns gets only what differs from what it holds', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1', 'b=2')

  const got = stream.delta(EDS, { subscribe: ['a', 'b'], initialVersions: { a: version('1'), b: version('1') } })

  assert.deepEqual(told(got), ['EDS +b=2'])
})

test('delta: what a returning client holds under a wildcard and is gone, is removed', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')

  const first = stream.delta(CDS, { initialVersions: { a: version('1'), gone: version('1') } })

  assert.deepEqual(told(first), ['CDS'])
  assert.deepEqual(told(stream.ack(...first)), ['CDS -gone'])
})

test('delta: names that a returning client holds do not end its wildcard', () => {
  const stream = aStream('delta')
  stream.set(LDS, 'a=1')
  stream.ack(...stream.delta(LDS, { initialVersions: { a: version('1') } }))

  stream.set(LDS, 'b=1')

  assert.deepEqual(told(stream.got()), ['LDS +b=1'])
})

test('delta: a name that leaves a wildcard it is still part of is answered, with what it is or with its removal', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')
  stream.ack(...stream.delta(CDS, { subscribe: ['*', 'a', 'b'] }))

  assert.deepEqual(told(stream.delta(CDS, { unsubscribe: ['a', 'b'] })), ['CDS +a=1 -b'])
})

test('delta: unsubscribing needs no answer, nor does what was never subscribed', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')
  stream.ack(...stream.delta(EDS, { subscribe: ['a'] }))

  assert.deepEqual(stream.delta(EDS, { unsubscribe: ['a', 'never'] }), [])
  stream.set(EDS, 'a=2')
  assert.deepEqual(stream.got(), [])
})

test('delta: a name that does not exist stays subscribed, also after its removal', () => {
  const stream = aStream('delta')
  stream.delta(CDS, { subscribe: ['a'] })

  stream.set(CDS, 'a=1')
  stream.ack(...stream.got())
  stream.snapshot.remove(CDS, 'a')
  const removal = stream.got()
  stream.ack(...removal)
  stream.set(CDS, 'a=1')

  assert.deepEqual(told(removal), ['CDS -a'])
  assert.deepEqual(told(stream.got()), ['CDS +a=1'])
})

test('delta: a name that was removed and is subscribed again is answered with its removal', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')
  stream.ack(...stream.delta(CDS, { subscribe: ['a'] }))
  stream.snapshot.remove(CDS, 'a')
  stream.ack(...stream.got())

  assert.deepEqual(told(stream.delta(CDS, { subscribe: ['a'] })), ['CDS -a'])
})

test('delta: what was refused is not sent again before it is another', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=bad')
  const [response] = stream.delta(EDS, { subscribe: ['a'] })

  const afterRefusal = stream.delta(EDS, { nonce: response!.nonce, error: 'no' })
  stream.set(EDS, 'a=bad')
  const afterSame = stream.got()
  stream.set(EDS, 'a=good')

  assert.deepEqual([...afterRefusal, ...afterSame], [])
  assert.deepEqual(told(stream.got()), ['EDS +a=good'])
})

test('delta: one bad resource keeps no other from the client: what was refused together is sent apart, down to the bad one alone', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1', 'b=1', 'bad=1', 'c=1', 'd=1')
  const accepted = new Set<string>()
  let sent = 0
  let [next] = stream.delta(CDS)
  while (next) {
    sent++
    const isBad = next.added.some(entry => entry.startsWith('bad'))
    if (!isBad) for (const entry of next.added) accepted.add(entry)
    ;[next] = stream.delta(CDS, { nonce: next.nonce, ...(isBad ? { error: 'something is wrong' } : {}) })
  }

  assert.deepEqual([...accepted].sort(), ['a=1', 'b=1', 'c=1', 'd=1'])
  assert(sent <= 8, `${sent} responses`)
  assert.deepEqual(told(stream.got()), [])
})

test('delta: what a refusal does not name is sent again without what it names', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'good=1', 'bad=1')
  const [response] = stream.delta(CDS)

  const again = stream.delta(CDS, { nonce: response!.nonce, error: 'bad: connect_timeout must be positive' })

  assert.deepEqual(told(again), ['CDS +good=1'])
  assert.deepEqual(stream.ack(...again), [])
})

test('delta: after a refusal the client is brought back to what it had, when that is restored', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')
  stream.ack(...stream.delta(EDS, { subscribe: ['a'] }))
  stream.set(EDS, 'a=bad')
  const [response] = stream.got()
  stream.delta(EDS, { nonce: response!.nonce, error: 'no' })

  stream.set(EDS, 'a=1')

  assert.deepEqual(told(stream.got()), ['EDS +a=1'])
})

test('delta: an answer is told by its nonce, and a refusal by its error alone', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')
  const [response] = stream.delta(EDS, { subscribe: ['a'] })
  const request = { variant: 'delta', typeUrl: EDS, subscribe: [], unsubscribe: [], initialVersions: {} } as const

  const stale = stream.state.onRequest({ ...request, nonce: 'another', error: 'no' })
  const verdict = stream.state.onRequest({ ...request, nonce: response!.nonce, error: 'no' })

  assert.deepEqual(stale, [])
  assert.deepEqual(verdict, [
    { kind: 'refused', typeUrl: EDS, nonce: response!.nonce, versions: new Map([['a', version('1')]]), removed: [], error: 'no' },
  ])
})

test('delta: subscriptions count also in a request with a stale nonce', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1', 'b=1')
  const [first] = stream.delta(EDS, { subscribe: ['a'] })

  const whileUnderWay = stream.delta(EDS, { subscribe: ['b'], nonce: 'stale' })

  assert.deepEqual(whileUnderWay, [])
  assert.deepEqual(told(stream.ack(first!)), ['EDS +b=1'])
})

test('delta: one response of a type is under way, what changes meanwhile follows together', () => {
  const stream = aStream('delta')
  stream.set(EDS, 'a=1')
  const [first] = stream.delta(EDS, { subscribe: ['a', 'b'] })

  stream.set(EDS, 'a=2')
  stream.set(EDS, 'a=3', 'b=1')
  const meanwhile = stream.got()

  assert.deepEqual(meanwhile, [])
  assert.deepEqual(told(stream.ack(first!)), ['EDS +a=3 +b=1'])
})

test('delta: a push goes out in the order in which one thing refers to another', () => {
  const stream = aStream('delta')
  for (const type of [VHDS, RDS, EDS, SDS]) stream.delta(type, { subscribe: ['x'] })
  stream.ack(...stream.delta(LDS), ...stream.delta(CDS))

  for (const type of [VHDS, RDS, LDS, EDS, CDS, SDS]) stream.set(type, 'x=1')

  const first = stream.got()
  const afterThem = stream.ack(...first)

  assert.deepEqual(
    first.map(response => response.type),
    ['SDS', 'CDS', 'EDS', 'LDS'],
  )
  assert.deepEqual(
    afterThem.map(response => response.type),
    ['RDS', 'VHDS'],
  )
})

test('delta: routes wait until the client has a new cluster and its endpoints, but not for all endpoints that change meanwhile', () => {
  const stream = aStream('delta')
  stream.ack(...stream.delta(CDS))
  stream.ack(...stream.delta(RDS, { subscribe: ['r'] }))
  stream.set(CDS, 'c=1')
  stream.set(RDS, 'r=to c')
  const [cluster] = stream.got()

  // As Envoy does it: a new cluster's endpoints are asked for before the cluster is acknowledged.
  stream.set(EDS, 'c=1')
  let [endpoints] = stream.delta(EDS, { subscribe: ['c'] })
  const afterCluster = stream.ack(cluster!)
  const sent: string[] = []
  for (let change = 2; !sent.includes('RDS +r=to c') && change < 10; change++) {
    stream.set(EDS, `c=${change}`)
    const answers = stream.ack(endpoints!)
    sent.push(...told(answers))
    endpoints = answers.find(({ type }) => type === 'EDS')
  }

  assert.deepEqual(afterCluster, [])
  assert.deepEqual(sent, ['EDS +c=2', 'EDS +c=3', 'RDS +r=to c'])
})

test('delta: a listener that takes the address of another comes together with its removal', () => {
  const stream = aStream('delta')
  stream.set(LDS, 'old=1')
  stream.ack(...stream.delta(LDS))

  stream.snapshot.remove(LDS, 'old')
  stream.set(LDS, 'new=1')

  assert.deepEqual(told(stream.got()), ['LDS +new=1 -old'])
})

test('delta: a changed cluster gets its endpoints again, changed or not', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1', 'b=1')
  stream.set(EDS, 'a=e', 'b=e')
  stream.ack(...stream.delta(CDS))
  stream.ack(...stream.delta(EDS, { subscribe: ['a', 'b'] }))

  stream.set(CDS, 'a=2')

  assert.deepEqual(told(stream.got()), ['CDS +a=2', 'EDS +a=e'])
})

test('delta: absence is said as each type bears it', () => {
  const said = (type: string) => {
    const stream = aStream('delta')
    stream.snapshot.setMissing(type, 'unknown')
    const unknown = stream.delta(type, { subscribe: ['unknown'] })
    stream.ack(...unknown)
    stream.set(type, 'deleted=1')
    stream.ack(...stream.delta(type, { subscribe: ['deleted'] }))
    stream.snapshot.remove(type, 'deleted')
    return [...told(unknown), ...told(stream.got())]
  }

  assert.deepEqual(said(CDS), ['CDS -unknown', 'CDS -deleted'])
  assert.deepEqual(said(VHDS), ['VHDS +unknown is nothing', 'VHDS +deleted is nothing'])
  for (const type of [EDS, SDS, RDS]) assert.deepEqual(said(type), [])
})

test('delta: of a name that somebody is still finding out about nothing is said, also not to a client that returns with it', () => {
  const stream = aStream('delta')

  const got = stream.delta(VHDS, { subscribe: ['new', 'held'], initialVersions: { held: version('1') } })
  stream.set(VHDS, 'held=1')
  stream.snapshot.setMissing(VHDS, 'new')

  assert.deepEqual(got, [])
  assert.deepEqual(told(stream.got()), ['VHDS +new is nothing'])
})

test('delta: a cluster is removed when the routes that replace it are acknowledged', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'old=1')
  stream.set(RDS, 'routes=to old')
  stream.ack(...stream.delta(CDS), ...stream.delta(LDS))
  stream.ack(...stream.delta(RDS, { subscribe: ['routes'] }))

  stream.snapshot.remove(CDS, 'old')
  stream.set(CDS, 'new=1')
  stream.set(RDS, 'routes=to new')
  const clusters = stream.got()
  const routes = stream.ack(...clusters)
  const afterRoutes = stream.ack(...routes)

  assert.deepEqual([told(clusters), told(routes), told(afterRoutes)], [['CDS +new=1'], ['RDS +routes=to new'], ['CDS -old']])
})

test('delta: a cluster stays while the client refuses the routes that leave it', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'old=1')
  stream.set(RDS, 'routes=to old')
  stream.ack(...stream.delta(CDS))
  stream.ack(...stream.delta(RDS, { subscribe: ['routes'] }))
  stream.snapshot.remove(CDS, 'old')
  stream.set(RDS, 'routes=bad')
  const [bad] = stream.got()

  const afterRefusal = stream.delta(RDS, { nonce: bad!.nonce, error: 'no' })
  stream.set(RDS, 'routes=to new')
  const [good] = stream.got()

  assert.deepEqual(afterRefusal, [])
  assert.deepEqual(told(stream.ack(good!)), ['CDS -old'])
})

test('delta: listeners go before the clusters behind them', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')
  stream.set(LDS, 'a=1')
  stream.ack(...stream.delta(CDS), ...stream.delta(LDS))

  stream.snapshot.remove(CDS, 'a')
  stream.snapshot.remove(LDS, 'a')
  const first = stream.got()

  assert.deepEqual(told(first), ['LDS -a'])
  assert.deepEqual(told(stream.ack(...first)), ['CDS -a'])
})

test('delta: what comes back before its removal went out is not removed', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')
  stream.set(RDS, 'r=1')
  stream.ack(...stream.delta(CDS))
  stream.ack(...stream.delta(RDS, { subscribe: ['r'] }))
  stream.snapshot.remove(CDS, 'a')
  stream.set(RDS, 'r=2')
  const [routes] = stream.got()

  stream.set(CDS, 'a=1')

  assert.deepEqual(stream.ack(routes!), [])
})

test('delta: a big answer travels in parts, each after the one before is acknowledged', () => {
  const stream = aStream('delta', { maxBytes: 100 })
  stream.set(EDS, `a=${'x'.repeat(90)}`, `b=${'x'.repeat(90)}`, 'c=1')

  const first = stream.delta(EDS, { subscribe: ['a', 'b', 'c'] })
  const second = stream.ack(...first)
  const third = stream.ack(...second)

  const names = [first, second, third].map(got => got.flatMap(({ added }) => added.map(each => each[0])))
  assert.deepEqual(names, [['a'], ['b'], ['c']])
})

test('delta: a name is in a response once, and never both there and removed', () => {
  const stream = aStream('delta')
  stream.set(CDS, 'a=1')

  const got = stream.delta(CDS, { subscribe: ['*', 'a', 'a', 'unknown', 'unknown'] })

  assert.deepEqual(told(got), ['CDS +a=1 -unknown'])
})

test('state of the world: a first request without names asks for all listeners and clusters, and is answered even when there is nothing', () => {
  const stream = aStream('sotw')
  stream.set(CDS, 'a=1')

  assert.deepEqual(told(stream.sotw(CDS)), ['CDS +1'])
  assert.deepEqual(told(stream.sotw(LDS)), ['LDS'])
})

test('state of the world: no names after names means nothing', () => {
  const stream = aStream('sotw')
  stream.set(LDS, 'a=1', 'b=2')
  const [first] = stream.sotw(LDS, { names: ['a'] })

  stream.sotw(LDS, { names: [], nonce: first!.nonce })
  stream.set(LDS, 'a=3')

  assert.deepEqual(stream.got(), [])
})

test('state of the world: listeners and clusters are sent whole, other types as they change', () => {
  const stream = aStream('sotw')
  stream.set(CDS, 'a=1', 'b=2')
  stream.set(EDS, 'a=1', 'b=2')
  const [clusters] = stream.sotw(CDS)
  const [endpoints] = stream.sotw(EDS, { names: ['a', 'b'] })
  stream.sotw(CDS, { nonce: clusters!.nonce })
  stream.sotw(EDS, { names: ['a', 'b'], nonce: endpoints!.nonce })

  stream.set(LDS, 'unrelated=1')
  stream.set(CDS, 'c=3')
  stream.set(EDS, 'b=5')

  assert.deepEqual(told(stream.got()), ['CDS +1 +2 +3', 'EDS +5'])
})

test('state of the world: a request with a stale nonce is ignored', () => {
  const stream = aStream('sotw')
  stream.set(EDS, 'a=1', 'b=2')
  const [first] = stream.sotw(EDS, { names: ['a'] })

  const stale = stream.sotw(EDS, { names: ['a', 'b'], nonce: '' })
  const answered = stream.sotw(EDS, { names: ['a', 'b'], nonce: first!.nonce })

  assert.deepEqual(stale, [])
  assert.deepEqual(told(answered), ['EDS +2'])
})

test('state of the world: a name that was dropped and is asked for again is sent again', () => {
  const stream = aStream('sotw')
  stream.set(EDS, 'a=1', 'b=2')
  const [first] = stream.sotw(EDS, { names: ['a', 'b'] })
  stream.sotw(EDS, { names: ['b'], nonce: first!.nonce })

  assert.deepEqual(told(stream.sotw(EDS, { names: ['a', 'b'], nonce: first!.nonce })), ['EDS +1'])
})

test('state of the world: what was refused is not sent again before it is another', () => {
  const stream = aStream('sotw')
  stream.set(RDS, 'a=bad')
  const [first] = stream.sotw(RDS, { names: ['a'] })

  const afterRefusal = stream.sotw(RDS, { names: ['a'], nonce: first!.nonce, error: 'no' })
  stream.set(RDS, 'a=good')

  assert.deepEqual(afterRefusal, [])
  assert.deepEqual(told(stream.got()), ['RDS +good'])
})

test('state of the world: a removed cluster is sent until the routes that replace it are acknowledged', () => {
  const stream = aStream('sotw')
  stream.set(CDS, 'old=old')
  stream.set(RDS, 'r=to old')
  const [clusters] = stream.sotw(CDS)
  stream.sotw(CDS, { nonce: clusters!.nonce })
  const [routes] = stream.sotw(RDS, { names: ['r'] })
  stream.sotw(RDS, { names: ['r'], nonce: routes!.nonce })

  stream.snapshot.remove(CDS, 'old')
  stream.set(CDS, 'new=new')
  stream.set(RDS, 'r=to new')
  const both = stream.got()
  const newRoutes = stream.sotw(CDS, { nonce: both[0]!.nonce })
  const afterRoutes = stream.sotw(RDS, { names: ['r'], nonce: newRoutes[0]!.nonce })

  assert.deepEqual([told(both), told(newRoutes), told(afterRoutes)], [['CDS +new +old'], ['RDS +to new'], ['CDS +new']])
})

test('state of the world: a cluster that the client names is sent until the client lets go of it', () => {
  const stream = aStream('sotw')
  stream.set(CDS, 'old=old')
  const [first] = stream.sotw(CDS, { names: ['old'] })
  stream.sotw(CDS, { names: ['old'], nonce: first!.nonce })

  stream.snapshot.remove(CDS, 'old')
  stream.set(CDS, 'new=new')
  const early = stream.got()
  const [both] = stream.sotw(CDS, { names: ['old', 'new'], nonce: first!.nonce })
  const after = stream.sotw(CDS, { names: ['new'], nonce: both!.nonce })
  stream.set(CDS, 'new=newer')

  assert.deepEqual(early, [])
  assert.deepEqual(told([both!]), ['CDS +old +new'])
  assert.deepEqual(after, [])
  assert.deepEqual(told(stream.got()), ['CDS +newer'])
})

test('state of the world: a listener that was removed holds up no other', () => {
  const stream = aStream('sotw')
  stream.set(LDS, 'a=1', 'b=2')
  const [first] = stream.sotw(LDS, { names: ['a', 'b'] })
  stream.sotw(LDS, { names: ['a', 'b'], nonce: first!.nonce })

  stream.snapshot.remove(LDS, 'a')
  const [removal] = stream.got()
  stream.sotw(LDS, { names: ['a', 'b'], nonce: removal!.nonce })
  stream.set(LDS, 'b=3')

  assert.deepEqual(told([removal!]), ['LDS +2'])
  assert.deepEqual(told(stream.got()), ['LDS +3'])
})

test('state of the world: listeners wait until every name that was asked for is known to exist or not', () => {
  const stream = aStream('sotw')
  stream.set(LDS, 'a=1')

  const early = stream.sotw(LDS, { names: ['a', 'b'] })
  stream.snapshot.setMissing(LDS, 'b')

  assert.deepEqual(early, [])
  assert.deepEqual(told(stream.got()), ['LDS +1'])
})

test('what a client claims to hold is told once, with its first request of the type', () => {
  const { state, set, delta, ack } = aStream('delta')
  set(SDS, 'trust=a')
  const request = { variant: 'delta' as const, typeUrl: SDS, unsubscribe: [], nonce: '' }
  const versions = { trust: 'v-old', gone: 'v1' }

  const first = state.onRequest({ ...request, subscribe: ['trust'], initialVersions: versions })
  const again = state.onRequest({ ...request, subscribe: ['trust'], initialVersions: versions })

  assert.deepEqual(
    first.map(event => event.kind),
    ['claimed', 'subscribed'],
  )
  assert.deepEqual(first[0]?.kind === 'claimed' && Object.fromEntries(first[0].versions), versions)
  assert.ok(!again.some(event => event.kind === 'claimed'))
  ack(...delta(SDS))
})
