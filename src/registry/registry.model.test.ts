import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { formatKey, type Resource, type Revision } from '../model/resource.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { ChangeBatch } from './change-batch.ts'
import { MemoryStore, memoryDisk } from './memory-store.ts'
import { Registry, type RegistryChange } from './registry.ts'
import { DuplicateKeyError, type Expectation, RevisionConflictError } from './store.ts'

/** What a registry is, said as simply as can be: a map, changed by one commit after the other. */
class Model {
  readonly resources = new Map<string, { revision: Revision; label: string; spec: unknown }>()
  revision = 0

  /** @returns the number of changes, or the error that the registry must give. */
  commit(changes: readonly RegistryChange[]): number | typeof RevisionConflictError | typeof DuplicateKeyError {
    const keys = changes.map(idOf)
    if (new Set(keys).size < keys.length) return DuplicateKeyError
    for (const change of changes) {
      const actual: Expectation = this.resources.get(idOf(change))?.revision ?? 'absent'
      if (change.expect !== undefined && change.expect !== actual) return RevisionConflictError
    }
    const effective = changes.filter(change => {
      const current = this.resources.get(idOf(change))
      if (change.kind === 'delete') return current !== undefined
      return current?.spec !== change.draft.spec || current?.label !== change.draft.labels.app
    })
    if (effective.length > 0) this.revision++
    for (const change of effective) {
      if (change.kind === 'delete') this.resources.delete(idOf(change))
      else this.resources.set(idOf(change), { revision: this.revision, label: change.draft.labels.app!, spec: change.draft.spec })
    }
    return effective.length
  }
}

function idOf(change: RegistryChange): string {
  return formatKey(change.kind === 'put' ? change.draft : change.key)
}

const key = fc.record({ kind: fc.constantFrom('A', 'B'), mesh: fc.constantFrom('', 'm'), name: fc.constantFrom('x', 'y', 'z') })
const expectation = fc.option(fc.oneof(fc.constant('absent' as const), fc.nat(12)), { nil: undefined, freq: 3 })
const change: fc.Arbitrary<RegistryChange> = fc.oneof(
  fc.tuple(key, fc.constantFrom('p', 'q'), fc.nat(2), expectation).map(([key, app, spec, expect]): RegistryChange => {
    return { kind: 'put', draft: { ...key, labels: { app }, spec }, expect }
  }),
  fc.tuple(key, expectation).map(([key, expect]): RegistryChange => ({ kind: 'delete', key, expect })),
)
const commits = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 })

/** Commits of one inner array run at the same time, on keys of their own or not. */
const history = fc.array(commits, { maxLength: 12 })

test('a registry is a map: whatever is committed at the same time, read, listened to, watched slowly or opened again', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.nat(4), async (rounds, pace) => {
      const disk = memoryDisk()
      const clock = new ManualClock()
      const registry = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })
      const model = new Model()
      const heard = new Map<string, Resource>()
      registry.onChange(batch => applyTo(heard, batch))
      const stop = new AbortController()
      const watched = follow(registry, pace, stop.signal)

      for (const round of rounds) {
        const results = await Promise.allSettled(round.map(changes => registry.commit(changes)))
        // Commits that share keys take effect in the order of their calls, and the memory store takes the others in that order too,
        // except that one which waits for its keys may be passed by one which does not: replay in order of revision.
        const inOrder = results.map((result, index) => ({ result, changes: round[index]!, index })).sort((a, b) => orderOf(a) - orderOf(b))
        for (const { result, changes } of inOrder.filter(
          ({ result }) => result.status === 'fulfilled' && result.value.changes.length > 0,
        )) {
          assert.ok(result.status === 'fulfilled')
          assert.equal(model.commit(changes), result.value.changes.length)
          assert.equal(model.revision, result.value.revision)
        }
        for (const { result } of inOrder) {
          if (result.status === 'rejected')
            assert.ok(result.reason instanceof RevisionConflictError || result.reason instanceof DuplicateKeyError)
        }
        if (round.length === 1) assertSame(registry, model)
      }

      assertSame(registry, model)
      const resources = new Map([...registry.all()].map(resource => [formatKey(resource), resource]))
      assert.deepEqual(heard, resources)
      await setImmediate() // the slow reader catches up
      stop.abort()
      assert.deepEqual(await watched, resources)
      await registry.close()
      const again = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })
      assert.deepEqual(new Map([...again.all()].map(resource => [formatKey(resource), resource])), resources)
      await again.close()
    }),
    { numRuns: 150 },
  )
})

test('a commit alone does exactly what the map does, conflicts included', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 25 }), async sequence => {
      const registry = await Registry.open(new MemoryStore(), { clock: new ManualClock(), log: silentLog })
      const model = new Model()

      for (const changes of sequence) {
        const expected = model.commit(changes)
        if (typeof expected === 'number') assert.equal((await registry.commit(changes)).changes.length, expected)
        else await assert.rejects(registry.commit(changes), expected)
        assertSame(registry, model)
      }
      await registry.close()
    }),
    { numRuns: 150 },
  )
})

function orderOf({ result, index }: { result: PromiseSettledResult<ChangeBatch>; index: number }): number {
  return result.status === 'fulfilled' ? result.value.revision * 100 + index : Number.POSITIVE_INFINITY
}

function assertSame(registry: Registry, model: Model): void {
  assert.equal(registry.revision, model.revision)
  const all = [...registry.all()]
  assert.deepEqual(
    Object.fromEntries(all.map(resource => [formatKey(resource), [resource.revision, resource.labels.app, resource.spec]])),
    Object.fromEntries([...model.resources].sort().map(([id, { revision, label, spec }]) => [id, [revision, label, spec]])),
  )
  for (const kind of ['A', 'B']) {
    assert.deepEqual(
      registry.list(kind),
      all.filter(resource => resource.kind === kind),
    )
    for (const mesh of ['', 'm']) {
      const members = all.filter(resource => resource.kind === kind && resource.mesh === mesh)
      assert.deepEqual(registry.list(kind, mesh), members)
      for (const app of ['p', 'q'])
        assert.deepEqual(
          registry.byLabel(kind, mesh, 'app', app),
          members.filter(({ labels }) => labels.app === app),
        )
    }
  }
}

/** Checks on the way that `previous` is what this reader knew. */
function applyTo(known: Map<string, Resource>, { changes }: ChangeBatch): void {
  for (const change of changes) {
    const id = formatKey(change.kind === 'put' ? change.resource : change.key)
    assert.equal(known.get(id), change.previous)
    if (change.kind === 'put') known.set(id, change.resource)
    else known.delete(id)
  }
}

/** A reader that does something else for a while after each batch. */
async function follow(registry: Registry, pace: number, signal: AbortSignal): Promise<Map<string, Resource>> {
  const known = new Map<string, Resource>()
  for await (const batch of registry.watch({ from: 0, signal })) {
    applyTo(known, batch)
    for (let turn = 0; turn < pace * 3; turn++) await Promise.resolve()
  }
  return known
}
