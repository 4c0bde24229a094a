import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatKey, type Resource, type ResourceDraft } from '../model/resource.ts'
import type { ChangeBatch } from '../registry/change-batch.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry, type RegistryChange } from '../registry/registry.ts'
import { CompactedError } from '../registry/store.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { ChangeFeed, concerns, covers, type Interest } from './change-feed.ts'

const kinds = ['Dataplane', 'MeshService']
const meshes = ['default', 'shop']
const names = ['a', 'b', 'c']
const values = ['x', 'y']

const draft: fc.Arbitrary<ResourceDraft> = fc
  .tuple(fc.constantFrom(...kinds), fc.constantFrom(...meshes), fc.constantFrom(...names), fc.option(fc.constantFrom(...values)), fc.nat(3))
  .map(([kind, mesh, name, app, n]) => ({ kind, mesh, name, labels: (app === null ? {} : { app }) as Record<string, string>, spec: { n } }))
const change: fc.Arbitrary<RegistryChange> = fc
  .tuple(draft, fc.boolean())
  .map(([it, isDelete]) =>
    isDelete ? { kind: 'delete', key: { kind: it.kind, mesh: it.mesh, name: it.name } } : { kind: 'put', draft: it },
  )
const commit = fc.uniqueArray(change, {
  maxLength: 4,
  selector: it => formatKey(it.kind === 'put' ? it.draft : it.key),
})
const interest: fc.Arbitrary<Interest> = fc
  .tuple(
    fc.constantFrom(...kinds),
    fc.option(fc.constantFrom(...meshes)),
    fc.constantFrom<'name' | 'label' | 'all'>('name', 'label', 'all'),
    fc.constantFrom(...names),
    fc.constantFrom(...values),
  )
  .map(([kind, mesh, what, name, value]): Interest => {
    if (mesh !== null && what === 'name') return { kind, mesh, name }
    return { kind, ...(mesh === null ? {} : { mesh }), ...(what === 'label' ? { label: ['app', value] as const } : {}) }
  })

test('readers are woken by every change that concerns them and by no other, and can catch up from anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { maxLength: 12 }),
      fc.array(interest, { minLength: 1, maxLength: 6 }),
      async (commits, interests) => {
        await using registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
        const feed = new ChangeFeed(registry, 10_000)
        const batches: ChangeBatch[] = []
        const states = new Map([[0, new Map<string, Resource>()]])
        const woken = interests.map(() => 0)
        const due = interests.map(() => 0)
        const unfollow = interests.map((it, i) =>
          feed.follow([it], () => {
            woken[i]!++
          }),
        )
        registry.onChange(batch => {
          batches.push(batch)
          states.set(batch.revision, new Map([...registry.all()].map(resource => [formatKey(resource), resource])))
          for (const [i, it] of interests.entries()) if (batch.changes.some(one => concerns(it, one))) due[i]!++
        })

        for (const changes of commits) await registry.commit(changes)

        assert.deepEqual(woken, due)
        const now = states.get(registry.revision)!
        for (const [revision, before] of states) {
          const later = batches.filter(batch => batch.revision > revision)
          for (const it of interests) {
            const news = later.some(({ changes }) => changes.some(one => concerns(it, one)))
            assert.equal(feed.hasChanged(it, revision), news)
            assert.deepEqual(covered(caughtUp(before, feed.since(revision, [it])), it), covered(now, it))
          }
        }
        for (const stop of unfollow) stop()
        const wokenBefore = [...woken]
        await registry.commit([{ kind: 'put', draft: { kind: 'Dataplane', mesh: 'default', name: 'last', labels: {}, spec: {} } }])
        assert.deepEqual(woken, wokenBefore)
        feed.close()
      },
    ),
    { numRuns: 150 },
  )
})

test('what is forgotten is said to be, and never taken for nothing', async () => {
  await using registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  const feed = new ChangeFeed(registry, 2)
  const put = (kind: string, name: string): RegistryChange => ({
    kind: 'put',
    draft: { kind, mesh: 'default', name, labels: {}, spec: {} },
  })
  for (const name of ['a', 'b', 'c', 'd']) await registry.commit([put('Dataplane', name)])

  const dataplane: Interest = { kind: 'Dataplane', mesh: 'default', name: 'none' }
  assert.equal(feed.hasChanged(dataplane, 1), true)
  assert.equal(feed.hasChanged({ kind: 'MeshService' }, 1), false)
  assert.equal(feed.hasChanged(dataplane, registry.revision + 1), true)
  assert.throws(() => feed.since(1, [dataplane]), CompactedError)
  feed.close()
})

function covered(state: ReadonlyMap<string, Resource>, it: Interest): string[] {
  return [...state.values()]
    .filter(resource => covers(it, resource))
    .map(resource => `${formatKey(resource)} ${resource.revision}`)
    .sort()
}

function caughtUp(before: ReadonlyMap<string, Resource>, batch: ChangeBatch | undefined): ReadonlyMap<string, Resource> {
  const state = new Map(before)
  for (const one of batch?.changes ?? []) {
    if (one.kind === 'put') state.set(formatKey(one.resource), one.resource)
    else state.delete(formatKey(one.key))
  }
  return state
}
