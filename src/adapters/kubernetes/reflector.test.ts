import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import { ListAgainError, SourceCallError } from '../adapter.ts'
import { ApiClient } from './api-client.ts'
import { factsOf, isOlder, type ObjectFacts, type RawObject } from './object-facts.ts'
import { mirror, type ObjectEvent, type Reflection, Reflector } from './reflector.ts'
import { ScriptedCluster, type ScriptedObject } from './scripted-cluster.ts'

const pods = '/api/v1/pods'
/** Twenty times as fast as the world: so that a back-off of seconds is no second of the tests. */
const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 20,
  setTimeout: (action, ms) => systemClock.setTimeout(action, ms / 20),
}

interface Pod extends ObjectFacts {
  readonly phase: string
}

test('everything is listed in pages of 500 over one connection, and watched with bookmarks for five to ten minutes', async () => {
  await using bench = await Bench.start()
  for (let index = 0; index < 1200; index++) bench.cluster.put(pods, aPod(`p${index}`))

  for (let count = 0; count < 20; count++) await bench.reflector.list(bench.signal)
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  const [first, second, third] = bench.cluster.requests.map(url => url.searchParams)
  assert.equal(first!.get('limit'), '500')
  assert.ok(second!.get('continue') && third!.get('continue'))
  assert.equal(bench.reflection.objects.size, 1200)
  assert.equal(bench.reflection.pages, 3)
  const watch = bench.cluster.requests.at(-1)!.searchParams
  assert.equal(watch.get('resourceVersion'), bench.cluster.version)
  assert.equal(watch.get('allowWatchBookmarks'), 'true')
  const seconds = Number(watch.get('timeoutSeconds'))
  assert.ok(seconds >= 300 && seconds <= 600, `${seconds} s`)
  assert.equal(bench.cluster.connections, 1)
})

test('a list that fails, however it does, is tried again until it succeeds', async () => {
  await using bench = await Bench.start()
  bench.cluster.put(pods, aPod('a'))
  const troubles = [
    { kind: 'status', status: 500 },
    { kind: 'reset' },
    { kind: 'status', status: 403 },
    { kind: 'hang' },
    { kind: 'status', status: 429 },
  ] as const
  let count = 0
  bench.cluster.meet = () => troubles[count++]

  bench.run()

  await bench.until(() => bench.names.includes('/a'))
  await bench.until(() => bench.reflector.state.kind === 'synced')
})

test('a watch that breaks, ends or errs goes on from where it was, and is never given up', async () => {
  await using bench = await Bench.start()
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  for (const [index, trouble] of ['break', 'end', 'error'].entries()) {
    if (trouble === 'break') bench.cluster.breakWatches()
    else if (trouble === 'end') bench.cluster.endWatches()
    else bench.cluster.send(pods, { type: 'ERROR', object: { kind: 'Status', code: 500, message: 'etcdserver: leader changed' } })
    bench.cluster.put(pods, aPod(`after-${index}`))
    await bench.until(() => bench.names.includes(`/after-${index}`))
  }

  assert.equal(bench.lists, 1)
})

test('says since when it may be wrong while the server is away', async () => {
  await using bench = await Bench.start()
  assert.equal(bench.reflector.state.kind, 'connecting')
  bench.run()
  await bench.until(() => bench.reflector.state.kind === 'synced')

  bench.cluster.meet = () => ({ kind: 'reset' })
  bench.cluster.breakWatches()
  await bench.until(() => bench.reflector.state.kind === 'stale')
  assert.equal(bench.reflection.objects.size, 0)
  bench.cluster.meet = () => undefined

  await bench.until(() => bench.reflector.state.kind === 'synced')
})

test('stopped in the middle of its first list, it leaves nothing behind', async () => {
  await using bench = await Bench.start()
  bench.cluster.meet = () => ({ kind: 'hang' })

  bench.run()
  await bench.until(() => bench.cluster.requests.length === 1)
  await bench.stop()
  bench.cluster.meet = () => undefined

  assert.equal(bench.cluster.watches, 0)
  assert.equal(bench.cluster.requests.length, 1)
})

test('one that cannot be taken in costs no other, and what follows is heard', async () => {
  await using bench = await Bench.start()
  bench.onEvents = () => {
    throw new Error('a handler that fails')
  }
  bench.cluster.put(pods, aPod('good'))
  bench.cluster.put(pods, { metadata: { name: 'nameless' } })
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  assert.match(bench.reflection.missing.join(), /nameless could not be read/)
  bench.cluster.put(pods, aPod('b'))
  await bench.until(() => bench.reflector.quarantined === 2)
  bench.onEvents = () => {}
  bench.cluster.put(pods, aPod('c'))

  await bench.until(() => bench.reflection.objects.has('uid-c'))
  assert.equal(bench.lists, 1)
})

test('an object is the same whether a list or a watch tells of it', async () => {
  await using bench = await Bench.start()
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  bench.cluster.put(pods, aPod('a'))
  await bench.until(() => bench.names.includes('/a'))

  const listed = await bench.reflector.list(bench.signal)
  assert.deepEqual([...listed.objects.values()], [...bench.reflection.objects.values()])
})

test('deleted and made again under the same name is one that ended and another one', async () => {
  await using bench = await Bench.start()
  bench.cluster.put(pods, aPod('a'))
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  bench.cluster.put(pods, { ...aPod('a'), metadata: { ...aPod('a').metadata, uid: 'another' } })
  await bench.until(() => bench.events.length === 2)

  assert.deepEqual(
    bench.events.map(({ kind, object }) => [kind, object.uid]),
    [
      ['delete', 'uid-a'],
      ['put', 'another'],
    ],
  )
})

test('a watch goes on from the last bookmark', async () => {
  await using bench = await Bench.start()
  bench.cluster.put(pods, aPod('a'))
  bench.run()
  await bench.until(() => bench.cluster.watches === 1)

  bench.cluster.bookmark(pods)
  await bench.until(() => bench.reflection.resourceVersion === bench.cluster.version)
  bench.cluster.breakWatches()
  await bench.until(() => bench.cluster.requests.filter(url => url.searchParams.has('watch')).length === 2)

  assert.equal(bench.cluster.requests.at(-1)!.searchParams.get('resourceVersion'), bench.cluster.version)
})

test('a watch from a version that is forgotten leads to another list, told by an event or by the status', async () => {
  for (const meet of [undefined, { kind: 'status', status: 410 } as const]) {
    await using bench = await Bench.start()
    bench.run()
    await bench.until(() => bench.cluster.watches === 1)
    bench.cluster.meet = url => (url.searchParams.has('watch') && bench.lists === 1 ? meet : undefined)

    bench.cluster.put('/api/v1/others', aPod('x'))
    bench.cluster.forget()
    bench.cluster.breakWatches()

    await bench.until(() => bench.lists === 2)
    await bench.until(() => bench.cluster.watches === 1)
  }
})

test('a list that expires under way is read anew once, and then on from what is left', async () => {
  await using bench = await Bench.start()
  for (let index = 0; index < 1700; index++) bench.cluster.put(pods, aPod(`p${index}`))
  let expiries = 1
  bench.cluster.meet = url => {
    if (url.searchParams.has('continue') && expiries-- > 0) {
      bench.cluster.put('/api/v1/others', aPod('x'))
      bench.cluster.forget()
    }
    return undefined
  }

  const once = await bench.reflector.list(bench.signal)
  assert.deepEqual({ size: once.objects.size, missing: once.missing }, { size: 1700, missing: [] })
  expiries = 2
  const twice = await bench.reflector.list(bench.signal)

  assert.equal(twice.objects.size, 1700)
  assert.match(twice.missing.join(), /expired/)
})

test('a cluster whose version goes back was restored: its first list is not complete, and its next one is', async () => {
  await using bench = await Bench.start()
  bench.cluster.put(pods, aPod('a'))
  await bench.reflector.list(bench.signal)

  bench.cluster.restore(50)
  const first = await bench.reflector.list(bench.signal)
  const second = await bench.reflector.list(bench.signal)

  assert.match(first.missing.join(), /went back/)
  assert.deepEqual(second.missing, [])
})

test('an event with a version from before leads to another list', async () => {
  await using bench = await Bench.start()
  const reflection = await bench.reflector.list(bench.signal)
  const following = bench.reflector.follow(reflection, () => {}, bench.signal)
  await bench.until(() => bench.cluster.watches === 1)

  bench.cluster.send(pods, { type: 'MODIFIED', object: { ...aPod('a'), metadata: { ...aPod('a').metadata, resourceVersion: '7' } } })

  await assert.rejects(following, ListAgainError)
})

test('a watch that the server ends at once every time is a failure, and is told after a while', async () => {
  await using bench = await Bench.start()
  const reflection = await bench.reflector.list(bench.signal)
  bench.cluster.meet = url => (url.searchParams.has('watch') ? { kind: 'status', status: 200, body: '' } : undefined)

  await assert.rejects(
    bench.reflector.follow(reflection, () => {}, bench.signal),
    SourceCallError,
  )

  assert.ok(bench.cluster.requests.length < 200, `${bench.cluster.requests.length} requests`)
})

test('versions are compared as the numbers that they are, and others not at all', () => {
  assert.equal(isOlder('9', '10'), true)
  assert.equal(isOlder('10', '9'), false)
  assert.equal(isOlder('10', '10'), false)
  assert.equal(isOlder('a', '10'), false)
})

function aPod(name: string): ScriptedObject {
  return { metadata: { uid: `uid-${name}`, name }, status: { phase: 'Running' } }
}

/** A reflector on a scripted cluster. */
class Bench implements AsyncDisposable {
  readonly cluster: ScriptedCluster
  readonly reflector: Reflector<Pod>
  readonly events: ObjectEvent<Pod>[] = []
  onEvents: () => void = () => {}
  lists = 0
  readonly #client: ApiClient
  readonly #stop = new AbortController()
  #running: Promise<void> | null = null
  #reflection: Reflection<Pod> | null = null

  private constructor(cluster: ScriptedCluster) {
    this.cluster = cluster
    this.#client = new ApiClient({
      connection: { id: 'test', locality: {}, server: cluster.url, credentials: { kind: 'token', token: async () => 'secret' } },
      budget: { take: async () => {}, throttled: () => {} },
      clock: fastClock,
    })
    const project = (raw: RawObject) => ({ ...factsOf(raw), phase: (raw as { status?: { phase?: string } }).status?.phase ?? '' })
    this.reflector = new Reflector({ client: this.#client, path: pods, project, clock: fastClock, random: seededRandom(1), log: silentLog })
  }

  static async start(): Promise<Bench> {
    return new Bench(await ScriptedCluster.start())
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get reflection(): Reflection<Pod> {
    return this.#reflection ?? assert.fail('nothing was listed')
  }

  get names(): string[] {
    return [...(this.#reflection?.uids.keys() ?? [])]
  }

  run(): void {
    const handle = {
      listed: (reflection: Reflection<Pod>) => {
        this.lists++
        this.#reflection = reflection
      },
      changed: (events: readonly ObjectEvent<Pod>[]) => {
        this.events.push(...events)
        this.onEvents()
      },
    }
    this.#running = mirror(this.reflector, handle, { clock: fastClock, random: seededRandom(2), log: silentLog }, this.signal)
  }

  async until(isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + 30_000
    while (!isSo()) {
      if (performance.now() > deadline) assert.fail(`it never came to ${isSo}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    this.#client[Symbol.dispose]()
    await this.cluster[Symbol.asyncDispose]()
  }
}
