import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { formatKey, type ResourceKey, type Revision } from '../model/resource.ts'
import {
  CompactedError,
  DuplicateKeyError,
  LeadershipLostError,
  RevisionConflictError,
  type Store,
  type StoreChange,
  StoreClosedError,
  type StoreOperation,
} from './store.ts'

export interface StoreUnderTest {
  /** Empty, and opened so that it remembers about 100 changes. */
  readonly store: Store
  /** Closes it and opens it again on the same records, as a restarted program would. */
  reopen(): Promise<Store>
  /** Closes what is open and leaves nothing behind. */
  dispose(): Promise<void>
}

/** Registers the tests that every implementation of Store passes. `open` answers undefined when it has skipped the test. */
export function storeContract(name: string, open: (t: TestContext) => Promise<StoreUnderTest | undefined>): void {
  const storeTest = (sentence: string, body: (underTest: StoreUnderTest, store: Store) => Promise<void>) =>
    test(sentence, { timeout: 10_000 }, async t => {
      const underTest = await open(t)
      if (!underTest) return
      try {
        await body(underTest, underTest.store)
      } finally {
        await underTest.dispose()
      }
    })

  describe(`${name} store`, () => {
    storeTest('an empty store is at revision 0', async (_, store) => {
      assert.deepEqual(await store.load(), { revision: 0, records: [] })
    })

    storeTest('what is committed is there, with the revision of its commit, also after a restart', async (underTest, store) => {
      const first = await store.commit([put('a', '1'), put('b', '2')])
      const second = await store.commit([put('a', '3'), remove('b'), put('c', 'ü "\u{1f30a}" \\u0000')])

      const expected = { a: ['3', second], c: ['ü "\u{1f30a}" \\u0000', second] }
      assert.ok(second > first)
      assert.deepEqual(await contentOf(store), { revision: second, ...expected })
      assert.deepEqual(await contentOf(await underTest.reopen()), { revision: second, ...expected })
    })

    storeTest('revisions go on rising after a restart', async (underTest, store) => {
      const before = await store.commit([put('a', '1')])

      const after = await (await underTest.reopen()).commit([put('a', '2')])

      assert.ok(after > before)
    })

    storeTest('names that are alike are different records', async (_, store) => {
      const keys = [
        { kind: 'Mesh', mesh: '', name: 'a' },
        { kind: 'MeshService', mesh: 'a', name: 'a' },
        { kind: 'MeshService', mesh: 'aa', name: '' },
        { kind: 'MeshService', mesh: '', name: 'aa' },
        { kind: 'meshservice', mesh: 'A', name: 'a' },
      ]

      await store.commit(keys.map((key, index) => ({ kind: 'put', key, value: `${index}` })))

      const { records } = await store.load()
      assert.deepEqual(records.map(record => formatKey(record.key)).sort(), keys.map(formatKey).sort())
    })

    storeTest('a put that expects absence fails when the record exists, and changes nothing', async (_, store) => {
      const revision = await store.commit([put('a', '1')])

      await assert.rejects(store.commit([put('b', '2'), { ...put('a', '2'), expect: 'absent' }]), RevisionConflictError)

      assert.deepEqual(await contentOf(store), { revision, a: ['1', revision] })
    })

    storeTest('an expected revision must be the exact one, for puts and for deletes', async (_, store) => {
      const first = await store.commit([put('a', '1')])
      const second = await store.commit([{ ...put('a', '2'), expect: first }])

      await assert.rejects(store.commit([{ ...put('a', '3'), expect: first }]), (error: RevisionConflictError) => {
        assert.deepEqual([error.code, error.expected, error.actual, error.key.name], ['SKERRY_REVISION_CONFLICT', first, second, 'a'])
        return true
      })
      await assert.rejects(store.commit([{ ...remove('a'), expect: first }]), RevisionConflictError)
      await assert.rejects(store.commit([{ ...remove('missing'), expect: first }]), RevisionConflictError)
      assert.ok((await store.commit([{ ...remove('a'), expect: second }])) > second)
      assert.equal((await store.load()).records.length, 0)
    })

    storeTest('a record that was deleted and made again is not at its old revision', async (_, store) => {
      const first = await store.commit([put('a', '1')])
      await store.commit([remove('a')])
      await store.commit([put('a', '1')])

      await assert.rejects(store.commit([{ ...put('a', '2'), expect: first }]), RevisionConflictError)
    })

    storeTest('deleting what is absent changes nothing', async (_, store) => {
      const revision = await store.commit([put('a', '1')])

      assert.equal(await store.commit([remove('missing')]), revision)
      assert.equal(await store.commit([]), revision)
    })

    storeTest('a commit that names a key twice is refused', async (_, store) => {
      await assert.rejects(store.commit([put('a', '1'), remove('a')]), DuplicateKeyError)

      assert.deepEqual(await store.load(), { revision: 0, records: [] })
    })

    storeTest('of many writers who expect the same revision exactly one wins', async (_, store) => {
      const revision = await store.commit([put('a', '0')])

      const attempts = await Promise.allSettled(range(20).map(index => store.commit([{ ...put('a', `${index}`), expect: revision }])))

      const winners = attempts.flatMap((attempt, index) => (attempt.status === 'fulfilled' ? [[`${index}`, attempt.value]] : []))
      assert.equal(winners.length, 1)
      assert.deepEqual((await contentOf(store)).a, winners[0])
      for (const attempt of attempts) if (attempt.status === 'rejected') assert.ok(attempt.reason instanceof RevisionConflictError)
    })

    storeTest('commits at the same time get a revision each, and a conflict of one does not touch the others', async (_, store) => {
      await store.commit([put('taken', '1')])

      const attempts = await Promise.allSettled(
        range(30).map(index =>
          store.commit([put(`n${index}`, '1'), ...(index % 3 === 0 ? [{ ...put('taken', '2'), expect: 'absent' as const }] : [])]),
        ),
      )

      const revisions = attempts.flatMap(attempt => (attempt.status === 'fulfilled' ? [attempt.value] : []))
      assert.equal(new Set(revisions).size, 20)
      const content = await contentOf(store)
      assert.equal(content.revision, Math.max(...revisions))
      for (const index of range(30)) assert.equal(`n${index}` in content, index % 3 !== 0)
    })

    storeTest('a watch yields every change once, in order, each commit whole, from the past into the future', async (_, store) => {
      const start = await store.commit([put('a', '0')])
      const first = await store.commit([put('a', '1'), put('b', '1')])
      const watching = take(store, start, 4)
      const second = await store.commit([put('a', '2')])
      const third = await store.commit([remove('b'), remove('missing')])
      await store.commit([remove('missing')])
      const fourth = await store.commit([put('b', '4')])

      assert.deepEqual(await watching, [
        [changed('a', '1', first), changed('b', '1', first)],
        [changed('a', '2', second)],
        [{ kind: 'delete', key: keyNamed('b'), revision: third }],
        [changed('b', '4', fourth)],
      ])
    })

    storeTest('a watch that starts amid commits at the same time misses none and repeats none', async (_, store) => {
      const start = await store.commit([put('a', '0')])
      const early = range(20).map(index => store.commit([put('a', `early ${index}`)]))
      const watching = take(store, start, 40)
      const late = range(20).map(index => store.commit([put('a', `late ${index}`)]))

      const revisions = await Promise.all([...early, ...late])

      const seen = (await watching).map(changes => changes.map(change => (change.kind === 'put' ? change.record.revision : 0))[0])
      assert.deepEqual(
        seen,
        revisions.sort((a, b) => a - b),
      )
    })

    storeTest('a watch resumes between any two commits that were made at the same time', async (_, store) => {
      const start = await store.commit([put('start', '')])
      const revisions = await Promise.all(
        range(10).map(index => store.commit([put(`a${index}`, `${index}`), put(`b${index}`, `${index}`)])),
      )

      const inOrder = [...revisions.entries()].sort(([, a], [, b]) => a - b)
      const expected = inOrder.map(([n, revision]) => [changed(`a${n}`, `${n}`, revision), changed(`b${n}`, `${n}`, revision)])
      for (const [place, from] of [start, ...inOrder.map(([, revision]) => revision)].slice(0, -1).entries())
        assert.deepEqual(await take(store, from, expected.length - place), expected.slice(place))
    })

    storeTest('a watch resumes where it was, over a restart', async (underTest, store) => {
      const first = await store.commit([put('a', '1')])
      const second = await store.commit([put('a', '2')])
      const third = await store.commit([remove('a')])

      const reopened = await underTest.reopen()

      assert.deepEqual(await take(reopened, first, 2), [
        [changed('a', '2', second)],
        [{ kind: 'delete', key: keyNamed('a'), revision: third }],
      ])
      const next = take(reopened, third, 1)
      const fourth = await reopened.commit([put('b', '1')])
      assert.deepEqual(await next, [[changed('b', '1', fourth)]])
    })

    storeTest('a reader that does not keep up gets every change when it reads on', async (_, store) => {
      const start = await store.commit([put('a', '0')])
      await store.commit([put('a', 'first')])
      const seen: string[] = []
      const written: [revision: Revision, value: string][] = []
      const write = async (value: string) => written.push([await store.commit([put('a', value)]), value])
      const done = new AbortController()
      for await (const changes of store.watch(start, done.signal)) {
        for (const change of changes) if (change.kind === 'put') seen.push(change.record.value)
        if (seen.length === 1) await Promise.all(range(50).map(index => write(`${index}`)))
        if (seen.length === 51) done.abort()
      }

      const inOrder = written.sort(([a], [b]) => a - b).map(([, value]) => value)
      assert.deepEqual(seen, ['first', ...inOrder])
    })

    storeTest('a watch from a revision that is no longer remembered says so, also after a restart', async (underTest, store) => {
      const start = await store.commit([put('a', '0')])
      for (const index of range(300)) await store.commit([put('a', `${index}`)])

      await assert.rejects(take(store, start, 1), CompactedError)
      await assert.rejects(take(await underTest.reopen(), start, 1), CompactedError)
    })

    storeTest('a watch from a revision that has not been yet says so', async (_, store) => {
      const revision = await store.commit([put('a', '0')])

      await assert.rejects(take(store, revision + 1, 1), CompactedError)
    })

    storeTest('a watch ends when its signal aborts or the store is closed', async (_, store) => {
      const revision = await store.commit([put('a', '0')])
      const stop = new AbortController()
      const aborted = readToEnd(store, revision, stop.signal)
      const closed = readToEnd(store, revision, new AbortController().signal)

      stop.abort()
      assert.equal(await aborted, 0)
      await store.close()

      assert.equal(await closed, 0)
    })

    storeTest('a commit of hundreds of records is one commit, with one revision and one array in a watch', async (_, store) => {
      const start = await store.commit([put('a', '0')])
      const operations = range(500).map(index => put(`many${index}`, `${index}`))

      const made = await store.commit(operations)
      const [making] = await take(store, start, 1)
      const guarded = await store.commit(range(300).map(index => ({ ...put(`many${index}`, 'again'), expect: made })))
      const [changing] = await take(store, made, 1)
      const oneIsWrong = range(300).map(index => ({ ...put(`many${index}`, 'never'), expect: index === 299 ? made : guarded }))
      await assert.rejects(store.commit(oneIsWrong), RevisionConflictError)
      const gone = await store.commit(range(501).map(index => remove(`many${index}`)))
      const [deleting] = await take(store, guarded, 1)

      assert.deepEqual([making!.length, changing!.length, deleting!.length], [500, 300, 500])
      assert.deepEqual(
        making,
        operations.map(({ key, value }) => changed(key.name, value, made)),
      )
      assert.deepEqual(await contentOf(store), { revision: gone, a: ['0', start] })
    })

    storeTest('one leads at a time, and a commit of a term that is over is refused', async (_, store) => {
      const never = new AbortController().signal
      const first = await store.lead('keeper', never)
      const elsewhere = await store.lead('another role', never)
      const waiting = store.lead('keeper', never)
      await store.commit([put('a', '1')], first.fence)
      await store.commit([put('a', '2')], elsewhere.fence)

      await first.resign()
      await first.ended
      const second = await waiting

      await assert.rejects(store.commit([put('a', 'late')], first.fence), LeadershipLostError)
      assert.ok(second.fence.term > first.fence.term)
      const revision = await store.commit([put('a', '3')], second.fence)
      assert.deepEqual(await contentOf(store), { revision, a: ['3', revision] })
    })

    storeTest('who gives up waiting to lead does not lead later', async (_, store) => {
      const first = await store.lead('keeper', new AbortController().signal)
      const impatient = new AbortController()
      const waiting = store.lead('keeper', impatient.signal)

      impatient.abort(new Error('enough'))
      await assert.rejects(waiting, /enough/)
      await first.resign()

      const next = await store.lead('keeper', new AbortController().signal)
      await store.commit([put('a', '1')], next.fence)
    })

    storeTest('closing waits for commits under way; later ones are refused', async (underTest, store) => {
      const underWay = range(10).map(index => store.commit([put(`n${index}`, '1')]))

      await store.close()
      await store.close()

      await Promise.all(underWay)
      await assert.rejects(store.commit([put('late', '1')]), StoreClosedError)
      assert.equal((await (await underTest.reopen()).load()).records.length, 10)
    })
  })
}

export function keyNamed(name: string): ResourceKey {
  return { kind: 'MeshService', mesh: 'default', name }
}

export function put(name: string, value: string): Extract<StoreOperation, { kind: 'put' }> {
  return { kind: 'put', key: keyNamed(name), value }
}

export function remove(name: string): Extract<StoreOperation, { kind: 'delete' }> {
  return { kind: 'delete', key: keyNamed(name) }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** The revision, and by name value and revision of each record. */
async function contentOf(store: Store): Promise<Record<string, unknown>> {
  const { revision, records } = await store.load()
  return { revision, ...Object.fromEntries(records.map(({ key, value, revision }) => [key.name, [value, revision]])) }
}

function changed(name: string, value: string, revision: Revision): StoreChange {
  return { kind: 'put', record: { key: keyNamed(name), value, revision } }
}

async function take(store: Store, from: Revision, count: number): Promise<(readonly StoreChange[])[]> {
  const commits: (readonly StoreChange[])[] = []
  const done = new AbortController()
  for await (const changes of store.watch(from, done.signal)) {
    commits.push(changes)
    if (commits.length === count) done.abort()
  }
  return commits
}

async function readToEnd(store: Store, from: Revision, signal: AbortSignal): Promise<number> {
  let commits = 0
  for await (const _ of store.watch(from, signal)) commits++
  return commits
}
