import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { seededRandom } from '../std/random.ts'
import { type AdapterDeps, type Listing, type OpenAdapter, SourceCallError } from './adapter.ts'
import { onListing, restore } from './guard/guard.ts'
import { emptyGuard, type GuardState } from './guard/state.ts'
import { type Lie, type PlatformScript, type Reply, ScriptedPlatform } from './scripted-platform.ts'

export interface AdapterUnderTest {
  /** How a page of the platform's things looks. */
  readonly script: PlatformScript
  /** Opens the adapter on a platform at this address, so that it lists one scope and takes every thing. */
  open(baseUrl: string, deps: AdapterDeps): Promise<OpenAdapter>
  /** false: the platform has everything in one answer. */
  readonly isPaged: boolean
  /** As the platform refuses, where that is no plain status. */
  readonly refusals?: { readonly throttled?: Reply; readonly denied?: Reply; readonly failed?: Reply }
}

/** A call that is given up has this long to say so. */
const soonMs = 10_000

/** Registers the tests that every adapter passes whose platform speaks HTTP: on a server that is scripted to lie, and with the guard behind it. */
export function adapterContract(name: string, under: AdapterUnderTest): void {
  const throttled = under.refusals?.throttled ?? { status: 429, headers: { 'retry-after': '1' }, body: { message: 'slow down' } }
  const denied = under.refusals?.denied ?? { status: 403, body: { message: 'not yours' } }
  const failed = under.refusals?.failed ?? { status: 500, body: { message: 'broken' } }

  /** What prevents that a listing is complete, and not one of the things that it had before is missing from the mesh for it. */
  const lies: Readonly<Record<string, Lie>> = {
    'is refused as one call too many (429)': { kind: 'reply', reply: throttled },
    'fails (500)': { kind: 'reply', reply: failed },
    'is denied (403)': { kind: 'reply', reply: denied },
    'never comes': { kind: 'hang' },
    'breaks off': { kind: 'reset' },
    'is half of what it should be': { kind: 'truncated' },
    'is no JSON': { kind: 'reply', reply: { body: '<html>maintenance</html>' } },
    ...(under.isPaged
      ? {
          'goes on for ever with the same page token': { kind: 'looping-token' },
          'lacks its last page': { kind: 'missing-last-page', reply: failed },
        }
      : {}),
  }

  const adapterTest = (sentence: string, body: (bench: Bench) => Promise<void>) =>
    test(sentence, { timeout: 120_000 }, async () => {
      await using bench = await Bench.start(under)
      await body(bench)
    })

  describe(`${name} adapter`, () => {
    adapterTest('everything is listed, each thing under an id of its own, and again under the same', async bench => {
      bench.platform.names = names(25)

      const first = await bench.list()
      const second = await bench.list()

      assert.deepEqual({ complete: first.complete, missing: first.missing }, { complete: true, missing: [] })
      assert.equal(workloads(first).length, 25)
      assert.equal(new Set(first.items.map(item => item.id)).size, first.items.length)
      assert.deepEqual(ids(second), ids(first))
    })

    adapterTest('nothing is a complete listing without things', async bench => {
      const listing = await bench.list()

      assert.deepEqual({ complete: listing.complete, workloads: workloads(listing) }, { complete: true, workloads: [] })
    })

    adapterTest('ten times the things are all there', async bench => {
      bench.platform.names = names(250)

      const listing = await bench.list()

      assert.equal(listing.complete, true)
      assert.equal(workloads(listing).length, 250)
    })

    adapterTest('what is told twice counts once', async bench => {
      bench.platform.names = names(25)
      const honest = await bench.list()
      bench.platform.lie = { kind: 'duplicates' }

      const listing = await bench.list()

      assert.deepEqual(ids(listing), ids(honest))
      assert.equal(listing.items.length, new Set(ids(listing)).size)
    })

    for (const [how, lie] of Object.entries(lies)) {
      adapterTest(`a listing that ${how} is never complete, and removes nothing`, async bench => {
        bench.platform.names = names(25)
        const guard = emptyGuard()
        believe(guard, await bench.list(), 0)
        bench.platform.lie = lie

        for (const round of [1, 2, 3]) {
          const listing = await bench.tryToList()
          assert.notEqual(listing?.complete, true)
          if (listing !== null) believe(guard, listing, round * 3_600_000)
        }

        assert.equal(guard.workloads, 25)
        bench.platform.lie = { kind: 'none' }
        assert.equal((await bench.listWhenItAnswers()).complete, true)
      })
    }

    adapterTest('who is denied is told so', async bench => {
      bench.platform.names = names(3)
      bench.platform.lie = { kind: 'reply', reply: denied }

      const error = await bench.list().then(
        listing => assert.fail(`it listed ${JSON.stringify(listing)}`),
        error => error,
      )

      assert.ok(error instanceof SourceCallError, String(error))
      assert.equal(error.what, 'denied')
    })

    adapterTest('a complete listing without anything in it removes nothing that was there before', async bench => {
      bench.platform.names = names(25)
      const guard = emptyGuard()
      believe(guard, await bench.list(), 0)
      bench.platform.names = []

      for (const minute of [1, 2, 5, 10]) believe(guard, await bench.list(), minute * 60_000)

      assert.equal(guard.workloads, 25)
    })

    adapterTest('what a registry remembers stays while the first listings after a start fail', async bench => {
      bench.platform.names = names(25)
      const guard = emptyGuard()
      restore(guard, (await bench.list()).items)
      const remembered = guard.workloads
      bench.platform.lie = { kind: 'reply', reply: failed }

      const listing = await bench.tryToList()

      if (listing !== null) believe(guard, listing, 60_000)
      assert.equal(guard.workloads, remembered)
    })
  })
}

/**
 * What the contract says of lies, for adapters whose platform does not speak HTTP: a listing that is one is never complete, fails as a
 * SourceCallError where it fails, and removes nothing of an honest one.
 */
export async function assertNeverBelieved(honest: Listing, lie: () => Promise<Listing>): Promise<void> {
  const guard = emptyGuard()
  believe(guard, honest, 0)
  const { workloads: before } = guard
  assert.ok(before > 0, 'there is something to lose')
  for (const round of [1, 2, 3]) {
    const listing = await lie().catch(error => {
      assert.ok(error instanceof SourceCallError, `what goes wrong is told as a SourceCallError, not as ${String(error)}`)
      return null
    })
    assert.notEqual(listing?.complete, true)
    if (listing !== null) believe(guard, listing, round * 3_600_000)
  }
  assert.equal(guard.workloads, before)
}

/** A complete listing without anything in it is no lie, and removes nothing all the same while nobody else says so. */
export function assertEmptyRemovesNothing(honest: Listing, empty: Listing): void {
  assert.deepEqual({ complete: empty.complete, items: empty.items }, { complete: true, items: [] })
  const guard = emptyGuard()
  believe(guard, honest, 0)
  const { workloads: before } = guard
  for (const minute of [1, 2, 5, 10]) believe(guard, empty, minute * 60_000)
  assert.equal(guard.workloads, before)
}

function believe(guard: GuardState, listing: Listing, atMs: number): void {
  const limits = { intervalMs: 60_000, maxShrinkPercent: 20, holdForMs: 900_000 }
  onListing(guard, { listing, identity: undefined, startedAtMs: atMs, nowMs: atMs, count: null }, limits)
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `thing-${String(index).padStart(3, '0')}`)
}

function workloads(listing: Listing) {
  return listing.items.filter(item => item.outcome.kind === 'workload')
}

function ids(listing: Listing): string[] {
  return listing.items.map(item => item.id).sort()
}

/** An adapter that is open on a scripted platform. */
class Bench implements AsyncDisposable {
  readonly platform: ScriptedPlatform
  readonly #adapter: OpenAdapter
  readonly #closing: AsyncDisposableStack

  private constructor(platform: ScriptedPlatform, adapter: OpenAdapter, closing: AsyncDisposableStack) {
    this.platform = platform
    this.#adapter = adapter
    this.#closing = closing
  }

  static async start(under: AdapterUnderTest): Promise<Bench> {
    await using opening = new AsyncDisposableStack()
    const platform = opening.use(new ScriptedPlatform(under.script))
    const deps: AdapterDeps = {
      secret: async () => Buffer.from('secret'),
      budget: { take: async () => {}, throttled: () => {} },
      clock: systemClock,
      random: seededRandom(1),
      log: silentLog,
    }
    const adapter = opening.use(await under.open(await platform.start(), deps))
    return new Bench(platform, adapter, opening.move())
  }

  async list(): Promise<Listing> {
    const signal = AbortSignal.timeout(soonMs * 3)
    const { scopes } = await this.#adapter.scopes(signal)
    assert.equal(scopes.length, 1, 'the adapter under test lists one scope')
    return this.#adapter.list(scopes[0]!, signal)
  }

  /** null: it could not, and said so. What hangs is given up after a while. */
  async tryToList(): Promise<Listing | null> {
    const giveUp = AbortSignal.timeout(this.platform.lie.kind === 'hang' ? 500 : soonMs * 3)
    try {
      const { complete, scopes } = await this.#adapter.scopes(giveUp)
      const scope = scopes[0]
      if (scope === undefined) {
        assert.equal(complete, false, 'scopes that are not told are not gone')
        return null
      }
      return await this.#adapter.list(scope, giveUp)
    } catch (error) {
      if (!giveUp.aborted)
        assert.ok(error instanceof SourceCallError, `what goes wrong is told as a SourceCallError, not as ${String(error)}`)
      return null
    }
  }

  /** A client may take its time after refusals. */
  async listWhenItAnswers(): Promise<Listing> {
    for (let attempt = 0; ; attempt++) {
      const listing = await this.tryToList()
      if (listing?.complete || attempt === 5) return listing ?? assert.fail('it does not list again')
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.disposeAsync()
  }
}
