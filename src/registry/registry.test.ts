import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { ManualClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import type { ChangeBatch } from './change-batch.ts'
import { MemoryStore, memoryDisk } from './memory-store.ts'
import { Registry, type RegistryChange } from './registry.ts'
import { ResourceIndex } from './resource-index.ts'
import {
  CompactedError,
  DuplicateKeyError,
  RevisionConflictError,
  StoreClosedError,
  StoreFullError,
  StoreUnavailableError,
} from './store.ts'

function aDraft(name: string, over: Partial<ResourceDraft> = {}): ResourceDraft {
  return { kind: 'MeshService', mesh: 'default', name, labels: {}, spec: { ports: [80] }, ...over }
}

function put(name: string, over: Partial<ResourceDraft> = {}): RegistryChange {
  return { kind: 'put', draft: aDraft(name, over) }
}

function remove(name: string): RegistryChange {
  return { kind: 'delete', key: aDraft(name) }
}

async function anOpenRegistry(options: { changeLimit?: number; clock?: ManualClock } = {}) {
  const disk = memoryDisk()
  const clock = options.clock ?? new ManualClock()
  const registry = await Registry.open(new MemoryStore(disk), { log: silentLog, ...options, clock })
  return { registry, disk, clock }
}

describe('the registry', () => {
  test('shows a writer what it wrote, with times and the revision', async () => {
    const { registry, clock } = await anOpenRegistry()

    const { revision, changes } = await registry.commit([put('a', { labels: { app: 'a' }, status: { ok: true } })])

    const now = new Date(clock.now()).toISOString()
    const resource = registry.get(aDraft('a'))!
    assert.deepEqual(resource, {
      ...aDraft('a', { labels: { app: 'a' }, status: { ok: true } }),
      creationTime: now,
      modificationTime: now,
      revision,
    })
    assert.deepEqual(changes, [{ kind: 'put', resource }])
    assert.equal(registry.revision, revision)
    await registry.close()
  })

  test('keeps the creation time, moves the modification time, and hands out what was before', async () => {
    const { registry, clock } = await anOpenRegistry()
    await registry.commit([put('a')])
    const before = registry.get(aDraft('a'))!
    clock.advance(5000)

    const { changes } = await registry.commit([put('a', { spec: { ports: [81] } })])

    const after = registry.get(aDraft('a'))!
    assert.equal(after.creationTime, before.creationTime)
    assert.equal(Date.parse(after.modificationTime) - Date.parse(before.modificationTime), 5000)
    assert.deepEqual(changes, [{ kind: 'put', resource: after, previous: before }])
    await registry.close()
  })

  test('does not count a put that says what is there already, nor a delete of what is not there', async () => {
    const { registry, disk } = await anOpenRegistry()
    const { revision } = await registry.commit([put('a', { labels: { x: '1', y: '2' }, spec: { b: [1, { c: null }], a: 'é' } })])
    const heard: ChangeBatch[] = []
    registry.onChange(batch => heard.push(batch))

    const again = await registry.commit([
      put('a', { labels: { y: '2', x: '1' }, spec: { a: 'é', b: [1, { c: null, d: undefined }] }, status: undefined }),
      remove('missing'),
    ])

    assert.deepEqual(again, { revision, changes: [] })
    assert.deepEqual([registry.revision, disk.history.latest, heard.length], [revision, revision, 0])
    for (const over of [{ spec: { a: 'é', b: [1, { c: 0 }] } }, { labels: { x: '1' } }, { status: {} }, { spec: null }]) {
      const changed = await registry.commit([put('a', { labels: { x: '1', y: '2' }, spec: { b: [1, { c: null }], a: 'é' }, ...over })])
      assert.equal(changed.changes.length, 1, JSON.stringify(over))
    }
    await registry.close()
  })

  test('lists in order of mesh and name, and never changes a list that it handed out', async () => {
    const { registry } = await anOpenRegistry()
    await registry.commit([put('b'), put('a'), put('c', { mesh: 'another' }), put('m', { kind: 'Mesh', mesh: '' })])
    const names = (resources: readonly Resource[]) => resources.map(({ mesh, name }) => `${mesh}/${name}`)
    const before = registry.list('MeshService')
    const default1 = registry.list('MeshService', 'default')

    await registry.commit([put('aa'), remove('b'), put('c', { mesh: 'another', spec: 2 })])

    assert.deepEqual(names(before), ['another/c', 'default/a', 'default/b'])
    assert.deepEqual(names(default1), ['default/a', 'default/b'])
    assert.deepEqual(names(registry.list('MeshService')), ['another/c', 'default/a', 'default/aa'])
    assert.deepEqual(names(registry.list('MeshService', 'default')), ['default/a', 'default/aa'])
    assert.deepEqual(names([...registry.all()]), ['/m', 'another/c', 'default/a', 'default/aa'])
    assert.equal(registry.list('MeshService'), registry.list('MeshService'))
    assert.deepEqual([registry.list('Nothing'), registry.list('MeshService', 'nowhere')], [[], []])
    await registry.close()
  })

  test('finds by label, also after labels moved, went and came', async () => {
    const { registry } = await anOpenRegistry()
    const found = (value: string) => registry.byLabel('MeshService', 'default', 'app', value).map(resource => resource.name)
    await registry.commit([
      put('b', { labels: { app: 'x' } }),
      put('a', { labels: { app: 'x' } }),
      put('c'),
      put('d', { mesh: 'other', labels: { app: 'x' } }),
    ])
    const before = registry.byLabel('MeshService', 'default', 'app', 'x')

    assert.deepEqual([found('x'), found('y')], [['a', 'b'], []])
    await registry.commit([put('a', { labels: { app: 'y' } }), put('b', { labels: {} }), put('c', { labels: { app: 'y' } })])
    assert.deepEqual([found('x'), found('y')], [[], ['a', 'c']])
    await registry.commit([remove('a'), put('c', { labels: { app: 'y' }, spec: 'new' })])
    assert.deepEqual(found('y'), ['c'])
    assert.equal(registry.byLabel('MeshService', 'default', 'app', 'y')[0]?.spec, 'new')
    assert.deepEqual(
      before.map(resource => resource.name),
      ['a', 'b'],
    )
    await registry.close()
  })

  test('tells listeners every commit once, in order, while it is exactly at its revision, before its writer goes on', async () => {
    const { registry } = await anOpenRegistry()
    const events: string[] = []
    registry.onChange(batch => {
      assert.equal(registry.revision, batch.revision)
      for (const change of batch.changes) if (change.kind === 'put') assert.equal(registry.get(change.resource), change.resource)
      events.push(`heard ${batch.revision}`)
    })

    await Promise.all([1, 2, 3].map(async spec => events.push(`wrote ${(await registry.commit([put('a', { spec })])).revision}`)))
    const stop = registry.onChange(() => events.push('never'))
    stop()
    await registry.commit([remove('a')])

    assert.deepEqual(events, ['heard 1', 'wrote 1', 'heard 2', 'wrote 2', 'heard 3', 'wrote 3', 'heard 4'])
    await registry.close()
  })

  test('outlives a listener that throws', async () => {
    const { registry } = await anOpenRegistry()
    let heard = 0
    registry.onChange(() => {
      throw new Error('a listener failed')
    })
    registry.onChange(() => heard++)

    await registry.commit([put('a')])
    await registry.commit([put('b')])

    assert.equal(heard, 2)
    await registry.close()
  })

  test('lets writers of one key take effect in the order they called, with nobody waiting', async () => {
    const { registry } = await anOpenRegistry()

    const results = await Promise.all([
      registry.commit([put('a', { spec: 1 })]),
      registry.commit([put('a', { spec: 2 }), put('b', { spec: 2 })]),
      registry.commit([put('b', { spec: 3 })]),
      registry.commit([put('a', { spec: 1 })]),
      registry.commit([put('a', { spec: 1 })]),
      registry.commit([remove('b')]),
    ])

    assert.deepEqual(
      results.map(({ changes }) => changes.length),
      [1, 2, 1, 1, 0, 1],
    )
    assert.deepEqual([registry.get(aDraft('a'))?.spec, registry.get(aDraft('b'))], [1, undefined])
    await registry.close()
  })

  test('refuses a commit whose expectation fails, whole, and goes on', async () => {
    const { registry } = await anOpenRegistry()
    const { revision } = await registry.commit([put('a')])

    await assert.rejects(registry.commit([put('b'), { kind: 'put', draft: aDraft('a'), expect: 'absent' }]), RevisionConflictError)
    await assert.rejects(registry.commit([{ kind: 'put', draft: aDraft('a'), expect: revision + 5 }]), RevisionConflictError)
    await assert.rejects(registry.commit([{ kind: 'delete', key: aDraft('missing'), expect: 1 }]), RevisionConflictError)
    await assert.rejects(registry.commit([put('c'), remove('c')]), DuplicateKeyError)

    assert.equal(registry.revision, revision)
    assert.deepEqual(
      registry.list('MeshService').map(resource => resource.name),
      ['a'],
    )
    await registry.commit([{ kind: 'put', draft: aDraft('a', { spec: 2 }), expect: revision }])
    await registry.close()
  })

  test('is the same again when it is opened on what it left', async () => {
    const { registry, disk, clock } = await anOpenRegistry()
    await registry.commit([put('a', { spec: { x: undefined, y: 1 }, status: [1] }), put('b', { labels: { app: 'x' } })])
    await registry.commit([remove('b')])
    await registry.close()

    const again = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })

    assert.deepEqual([again.revision, [...again.all()]], [registry.revision, [...registry.all()]])
    await again.close()
  })

  test('follows what another process writes to the same store', async () => {
    const { registry, disk, clock } = await anOpenRegistry()
    const other = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })
    const heard = new Promise<ChangeBatch>(resolve => void registry.onChange(resolve))

    const { revision } = await other.commit([put('a')])

    assert.equal((await heard).revision, revision)
    assert.deepEqual(registry.get(aDraft('a')), other.get(aDraft('a')))
    await Promise.all([registry.close(), other.close()])
  })

  test('that fell behind its store reads it again and tells the differences', async () => {
    const disk = memoryDisk(3)
    const clock = new ManualClock()
    const store = new MemoryStore(disk)
    const logged: string[] = []
    const registry = await Registry.open(store, { clock, log: { ...silentLog, warn: event => logged.push(event) } })
    await registry.commit([put('gone'), put('same'), put('changed')])
    const heard: ChangeBatch[] = []
    registry.onChange(batch => heard.push(batch))

    const others = await Registry.open(new MemoryStore(disk), { clock, log: silentLog })
    const written = ['changed', 'new', 'x', 'y', 'z'].map(name => others.commit([put(name, { spec: 'theirs' })]))
    const own = registry.commit([put('own')])
    await Promise.all([...written, others.commit([remove('gone')])])

    const { changes } = await own
    assert.deepEqual(
      changes.map(change => change.kind === 'put' && change.resource.name),
      ['own'],
    )
    await others.close()
    assert.deepEqual(
      registry.list('MeshService').map(resource => resource.name),
      ['changed', 'new', 'own', 'same', 'x', 'y', 'z'],
    )
    const told = heard.flatMap(batch => batch.changes.map(change => (change.kind === 'put' ? change.resource.name : change.key.name)))
    assert.deepEqual(logged, ['registry fell behind its store and reads everything again'])
    assert.deepEqual(told.sort(), ['changed', 'gone', 'new', 'own', 'x', 'y', 'z'])
    await registry.close()
  })

  test('waits for commits under way when it is closed, and refuses later ones', async () => {
    const { registry } = await anOpenRegistry()
    const underWay = registry.commit([put('a')])

    await registry.close()

    assert.equal((await underWay).changes.length, 1)
    await assert.rejects(registry.commit([put('b')]), StoreClosedError)
  })

  test('says that it failed when its store ends under it', async () => {
    const disk = memoryDisk()
    const store = new MemoryStore(disk)
    const registry = await Registry.open(store, { clock: new ManualClock(), log: silentLog })

    await store.close()

    assert.ok((await registry.failed) instanceof StoreClosedError)
    await assert.rejects(registry.commit([put('a')]), StoreClosedError)
    await registry.close()
  })
})

describe('a watch of the registry', () => {
  test('begins with what was missed and goes on with what comes', async () => {
    const { registry } = await anOpenRegistry()
    const { revision } = await registry.commit([put('a', { spec: 0 })])
    await registry.commit([put('a', { spec: 1 })])
    const stop = new AbortController()
    const watch = registry.watch({ from: revision, signal: stop.signal })

    const missed = await watch.next()
    const next = watch.next()
    await registry.commit([remove('a')])

    assert.deepEqual(specsOf(missed.value!), [1])
    const [deletion] = (await next).value!.changes
    assert.ok(deletion?.kind === 'delete' && deletion.previous.spec === 1)
    const end = watch.next()
    stop.abort()
    assert.equal((await end).done, true)
    await registry.close()
  })

  test('gives a slow reader the newest state of each key, and nothing of what came and went', async () => {
    const { registry } = await anOpenRegistry()
    const { revision } = await registry.commit([put('a', { spec: 0 }), put('b', { spec: 0 })])
    const known = registry.get(aDraft('b'))
    await registry.commit([put('a', { spec: 1 }), put('brief')])
    await registry.commit([put('a', { spec: 2 }), remove('b')])
    await registry.commit([remove('brief'), put('new', { spec: 3 })])

    const { value: batch } = await registry.watch({ from: revision, signal: new AbortController().signal }).next()

    assert.equal(batch!.revision, registry.revision)
    assert.deepEqual(
      batch!.changes.map(change =>
        change.kind === 'put' ? [change.resource.name, change.resource.spec, change.previous?.spec] : [change.key.name, change.previous],
      ),
      [
        ['a', 2, 0],
        ['b', known],
        ['new', 3, undefined],
      ],
    )
    await registry.close()
  })

  test('says whether its store takes writes, each time that changes', async () => {
    const store = new MemoryStore(memoryDisk())
    const registry = await Registry.open(store, { clock: new ManualClock(), log: silentLog })
    const told: string[] = []
    const stop = registry.onStoreState(state => told.push(state.kind))
    const { commit } = store
    const refusing = (error: Error) => {
      store.commit = () => Promise.reject(error)
    }

    await registry.commit([put('a')])
    for (const error of [new StoreFullError('disk'), new StoreFullError('disk'), new StoreUnavailableError('etcd', 'no leader', true)]) {
      refusing(error)
      await assert.rejects(registry.commit([put('b')]), error)
    }
    store.commit = commit
    await assert.rejects(registry.commit([{ ...put('a', { spec: 1 }), expect: 'absent' }]), RevisionConflictError)
    await registry.commit([put('c')])
    stop()
    refusing(new StoreFullError('disk'))
    await assert.rejects(registry.commit([put('d')]))

    assert.deepEqual(told, ['full', 'held', 'ok'])
    assert.equal(registry.storeState.kind, 'full')
    await registry.close()
  })

  test('lists in order whatever came, went and changed in between', () => {
    const resource = fc.record({ name: fc.integer({ min: 0, max: 60 }).map(String), app: fc.constantFrom('x', 'y', undefined) })
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('put' as const), resource }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), resource }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), resource }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const index = new ResourceIndex()
        const model = new Map<string, Resource>()
        const handedOut: [readonly Resource[], string][] = []
        const listed = (app?: string) =>
          [...model.values()].filter(({ labels }) => app === undefined || labels.app === app).sort((a, b) => (a.name < b.name ? -1 : 1))
        for (const [revision, { kind, resource }] of steps.entries()) {
          const { name, app } = resource
          const next: Resource = {
            ...aDraft(name, { labels: app === undefined ? {} : { app } }),
            creationTime: '',
            modificationTime: '',
            revision,
          }
          if (kind === 'put') {
            index.put(next)
            model.set(name, next)
          } else if (kind === 'delete') {
            index.delete(next)
            model.delete(name)
          } else {
            for (const [found, wanted] of [
              [index.list('MeshService', 'default'), listed()],
              [index.byLabel('MeshService', 'default', 'app', 'x'), listed('x')],
            ] as const) {
              assert.deepEqual(found, wanted)
              handedOut.push([found, JSON.stringify(found)])
            }
          }
        }
        assert.deepEqual(index.list('MeshService'), listed())
        for (const [array, before] of handedOut) assert.equal(JSON.stringify(array), before)
      }),
    )
  })

  test('leaves out what its filter refuses', async () => {
    const { registry } = await anOpenRegistry()
    await registry.commit([put('a')])
    await registry.commit([put('b'), put('m', { kind: 'Mesh', mesh: '', spec: 'mesh' })])
    const isMesh = (change: { kind: string; resource?: Resource }) => change.kind === 'put' && change.resource?.kind === 'Mesh'

    const { value: batch } = await registry.watch({ from: 0, signal: new AbortController().signal, filter: isMesh }).next()

    assert.deepEqual(specsOf(batch!), ['mesh'])
    await registry.close()
  })

  test('brings a reader whose filter leaves everything out so far that it can resume', async () => {
    const { registry } = await anOpenRegistry({ changeLimit: 10 })
    const stop = new AbortController()
    const nothing = () => false
    const bookmarks: ChangeBatch[] = []
    const reading = (async () => {
      for await (const batch of registry.watch({ from: 0, signal: stop.signal, filter: nothing, bookmarkEvery: 4 })) bookmarks.push(batch)
    })()

    for (const spec of Array(30).keys()) {
      await registry.commit([put('a', { spec })])
      await new Promise(setImmediate)
    }
    stop.abort()
    await reading

    assert.deepEqual(
      bookmarks,
      [4, 8, 12, 16, 20, 24, 28].map(revision => ({ revision, changes: [] })),
    )
    const { value } = await registry.watch({ from: 28, signal: new AbortController().signal }).next()
    assert.deepEqual(specsOf(value!), [29])
    await registry.close()
  })

  test('fails, and keeps what it has, when its store was put back to an older state', async () => {
    const store = new MemoryStore(memoryDisk())
    await store.commit([{ kind: 'put', key: aDraft('a'), value: '{"labels":{}}' }])
    let load = () => MemoryStore.prototype.load.call(store)
    const goneBack = Promise.withResolvers<void>()
    const registry = await Registry.open(
      {
        load: () => load(),
        commit: operations => store.commit(operations),
        lead: (role, signal) => store.lead(role, signal),
        join: () => store.join(),
        close: () => store.close(),
        failed: store.failed,
        async *watch(from) {
          await goneBack.promise
          yield* [] // nothing comes any more
          throw new CompactedError(from, 0)
        },
      },
      { clock: new ManualClock(), log: silentLog },
    )

    load = async () => ({ revision: 0, records: [] })
    goneBack.resolve()

    assert.match(String(await registry.failed), /went back from revision 1 to 0/)
    assert.equal(registry.list('MeshService').length, 1)
    await assert.rejects(registry.commit([put('b')]), /went back/)
    await registry.close()
  })

  test('cuts off a reader that is too far behind, and one from another history', async () => {
    const { registry } = await anOpenRegistry({ changeLimit: 3 })
    for (const spec of [1, 2, 3, 4, 5]) await registry.commit([put('a', { spec })])
    const first = (from: number) => registry.watch({ from, signal: new AbortController().signal }).next()

    await assert.rejects(first(1), CompactedError)
    await assert.rejects(first(6), CompactedError)
    assert.deepEqual(specsOf((await first(2)).value!), [5])
    await registry.close()
  })

  test('ends when the registry is closed', async () => {
    const { registry } = await anOpenRegistry()
    const next = registry.watch({ from: 0, signal: new AbortController().signal }).next()

    await registry.close()

    assert.equal((await next).done, true)
  })
})

function specsOf(batch: ChangeBatch): unknown[] {
  return batch.changes.map(change => change.kind === 'put' && change.resource.spec)
}
