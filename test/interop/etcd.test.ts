import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ResourceDraft } from '../../src/model/resource.ts'
import { etcdRevision } from '../../src/registry/etcd/etcd-revision.ts'
import { EtcdStore } from '../../src/registry/etcd-store.ts'
import { openStore } from '../../src/registry/open-store.ts'
import { Registry } from '../../src/registry/registry.ts'
import { keyNamed, put, range, remove, storeContract } from '../../src/registry/store.contract.ts'
import {
  CommitTooLargeError,
  CompactedError,
  LeadershipLostError,
  RevisionConflictError,
  type Store,
  type StoreChange,
  StoreUnavailableError,
} from '../../src/registry/store.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { testCertificate } from '../../src/std/test-certificate.ts'
import { EtcdCluster } from './etcd-cluster.ts'
import { freePorts } from './free-ports.ts'
import { MuteProxy } from './mute-proxy.ts'

/** Three members, shared by the tests; whoever kills one starts it again. */
let cluster: EtcdCluster | string
let prefixes = 0

before(async () => {
  cluster = await EtcdCluster.start()
})
after(async () => {
  if (typeof cluster !== 'string') await cluster.stop()
})

storeContract('etcd', async t => {
  if (typeof cluster === 'string') {
    t.skip(cluster)
    return undefined
  }
  const options = { endpoints: cluster.endpoints, prefix: aPrefix(), changeLimit: 100 }
  let store = await EtcdStore.open(options)
  return {
    store,
    async reopen() {
      await store.close()
      store = await EtcdStore.open(options)
      return store
    },
    dispose: () => store.close(),
  }
})

describe('the etcd store', { timeout: 120_000 }, () => {
  etcdTest('keeps, counts and tells every acknowledged commit exactly once while leaders are killed under it', async (t, etcd) => {
    const prefix = aPrefix()
    const store = await aStore(t, etcd, { prefix })
    const other = await aStore(t, etcd, { prefix })
    const stop = new AbortController()
    const seen = gather(other, await store.commit([put('first', '0')]), stop.signal)
    const acknowledged = new Map<string, number>()
    const uncertain = new Set<string>()
    let isOver = false
    const write = async (writer: number) => {
      for (let count = 0; !isOver; count++) {
        const value = `${writer}-${count}`
        try {
          acknowledged.set(value, await (writer % 2 ? store : other).commit([put(`n${writer}`, value), put(`m${writer}`, value)]))
        } catch (error) {
          assert.ok(error instanceof StoreUnavailableError, String(error))
          if (error.mayHaveApplied) uncertain.add(value)
        }
      }
    }
    const writing = range(8).map(write)

    for (const _ of range(3)) {
      await delay(500)
      const leader = await etcd.leader()
      await etcd.kill(leader)
      const before = acknowledged.size
      await until(() => acknowledged.size > before + 50)
      etcd.restart(leader)
      await etcd.ready()
    }
    isOver = true
    await Promise.all(writing)

    const last = await store.commit([put('last', '1')])
    await until(() => seen.revisions.at(-1) === last)
    stop.abort()
    assert.ok(acknowledged.size > 300)
    assert.deepEqual(
      seen.revisions,
      [...seen.revisions].sort((a, b) => a - b),
    )
    const times = Map.groupBy(seen.commits.slice(0, -1), changes => valueIn(changes[0]!))
    for (const [value, commits] of times) {
      assert.equal(commits.length, 1, `${value} came ${commits.length} times`)
      assert.deepEqual(commits[0]!.map(valueIn), [value, value])
      assert.ok(acknowledged.has(value) || uncertain.has(value), `${value} was refused and came all the same`)
    }
    for (const [value, revision] of acknowledged) assert.equal(revisionOf(times.get(value)?.[0]?.[0]), revision, value)
    const { records } = await store.load()
    const newest = new Map(seen.commits.flat().map(change => [keyOf(change).name, valueIn(change)]))
    assert.deepEqual(Object.fromEntries(records.map(({ key, value }) => [key.name, value])), { first: '0', ...Object.fromEntries(newest) })
  })

  etcdTest('answers within its time while the leader hangs, and goes on with the next', async (t, etcd) => {
    const store = await aStore(t, etcd, {})
    const stop = new AbortController()
    const seen = gather(store, await store.commit([put('a', '0')]), stop.signal)
    const leader = await etcd.leader()

    etcd.signal(leader, 'SIGSTOP')
    const answered: number[] = []
    for (let count = 0, done = 0; done < 20; count++) {
      const begin = performance.now()
      const outcome = await store.commit([put('a', `${count}`)]).catch(error => error as Error)
      answered.push(performance.now() - begin)
      if (typeof outcome === 'number') done++
      else assert.ok(outcome instanceof StoreUnavailableError, String(outcome))
    }
    const last = await store.commit([put('a', 'last')])
    await until(() => seen.revisions.at(-1) === last)
    etcd.signal(leader, 'SIGCONT')

    assert.ok(Math.max(...answered) < 2500, `a write was answered after ${Math.max(...answered)} ms`)
    stop.abort()
    await etcd.ready()
  })

  etcdTest('applies a commit once when the answer to it is lost, whatever others wrote meanwhile', async (t, etcd) => {
    const proxy = await MuteProxy.start(etcd.endpoints[0]!)
    t.after(() => proxy.stop())
    const prefix = aPrefix()
    const other = await aStore(t, etcd, { prefix })
    const store = await aStore(t, etcd, { prefix, endpoints: [proxy.url, etcd.endpoints[1]!] })
    const start = await store.commit([put('a', '0')])
    const stop = new AbortController()
    const seen = gather(other, start, stop.signal)

    proxy.isMute = true
    const unanswered = store.commit([put('a', 'ours')])
    await until(() => seen.commits.length === 1)
    const later = await other.commit([put('a', 'theirs')])

    assert.equal(await unanswered, seen.revisions[0])
    const conflict = await store.commit([{ ...put('a', 'never'), expect: start }]).catch(error => error as Error)
    assert.ok(conflict instanceof RevisionConflictError && conflict.actual === later, String(conflict))
    const last = await other.commit([put('b', '1')])
    await until(() => seen.revisions.at(-1) === last)
    stop.abort()
    assert.deepEqual(seen.commits.flat().map(valueIn), ['ours', 'theirs', '1'])
  })

  etcdTest('says that a commit conflicts only when no try of it can be applied any more', async (t, etcd) => {
    const proxy = await MuteProxy.start(etcd.endpoints[0]!)
    t.after(() => proxy.stop())
    const store = await aStore(t, etcd, { endpoints: [proxy.url, etcd.endpoints[1]!] })
    const start = await store.commit([put('a', '0')])
    const next = await store.commit([{ ...put('a', '1'), expect: start }])

    proxy.isMute = true
    await assert.rejects(store.commit([{ ...put('a', 'never'), expect: start }]), RevisionConflictError)
    await store.commit([put('a', '2')])

    const values = [await readOne(store, start), await readOne(store, next)].flat().map(valueIn)
    assert.deepEqual(values, ['1', '2'])
    assert.equal((await store.load()).records[0]?.value, '2')
  })

  etcdTest('refuses writes in time without a quorum, and takes up its watch without a gap when it is back', async (t, etcd) => {
    const store = await aStore(t, etcd, {})
    const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
    t.after(() => registry.close())
    await registry.commit([{ kind: 'put', draft: aDraft('a', '0') }])
    const leader = await etcd.leader()
    const down = range(3).filter(index => index !== leader)

    for (const index of down) await etcd.kill(index)
    const begin = performance.now()
    await assert.rejects(registry.commit([{ kind: 'put', draft: aDraft('a', '1') }]), (error: StoreUnavailableError) => {
      assert.equal(error.code, 'SKERRY_STORE_UNAVAILABLE')
      return true
    })
    const elapsedMs = performance.now() - begin
    const read = registry.get(keyNamed('a'))?.labels.value
    for (const index of down) etcd.restart(index)
    await etcd.ready()
    const batch = await untilCommitted(() => registry.commit([{ kind: 'put', draft: aDraft('a', '2') }]))

    assert.ok(elapsedMs < 2500, `${elapsedMs} ms`)
    assert.equal(read, '0')
    assert.equal(registry.revision, batch.revision)
    assert.equal(registry.get(keyNamed('a'))?.labels.value, '2')
  })

  etcdTest('goes on with a watch over a compaction, and says so where the history is gone', async (t, etcd) => {
    const store = await aStore(t, etcd, { changeLimit: false })
    const start = await store.commit([put('a', '0')])
    const stop = new AbortController()
    const seen = gather(store, start, stop.signal)
    for (const index of range(20)) await store.commit([put('a', `${index}`), put(`b${index}`, '')])
    const deleted = await store.commit([remove('b3')])
    await until(() => seen.revisions.at(-1) === deleted)

    await etcd.ctl(['compact', `${etcdRevision(deleted)}`])
    const next = await store.commit([put('a', 'next')])
    await until(() => seen.revisions.at(-1) === next)

    // The deletion lies at the very revision that was compacted to: etcd may leave it out, and a reader from just before must be told.
    for (const from of [start, deleted - 1]) await assert.rejects(readOne(store, from), CompactedError)
    assert.deepEqual((await readOne(store, deleted)).map(valueIn), ['next'])
    stop.abort()
  })

  etcdTest('lets exactly one of two processes win a compare-and-set', async (t, etcd) => {
    const prefix = aPrefix()
    const stores = [await aStore(t, etcd, { prefix }), await aStore(t, etcd, { prefix })]
    let revision = await stores[0]!.commit([put('counter', '0')])

    for (const round of range(20)) {
      const outcomes = await Promise.allSettled(
        stores.map((store, index) => store.commit([{ ...put('counter', `${round}-${index}`), expect: revision }])),
      )
      const won = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [{ index, revision: outcome.value }] : []))
      assert.equal(won.length, 1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof RevisionConflictError)
      revision = won[0]!.revision
      assert.deepEqual((await stores[1 - won[0]!.index]!.load()).records[0], {
        key: keyNamed('counter'),
        value: `${round}-${won[0]!.index}`,
        revision,
      })
    }
  })

  etcdTest('shows each of two control planes what the other writes', async (t, etcd) => {
    const prefix = aPrefix()
    const [first, second] = await Promise.all(
      range(2).map(async () => {
        const registry = await Registry.open(await aStore(t, etcd, { prefix }), { clock: systemClock, log: silentLog })
        t.after(() => registry.close())
        return registry
      }),
    )
    const told: string[] = []
    second!.onChange(batch => told.push(...batch.changes.map(change => `${change.kind} ${keyOfResource(change)}`)))

    const { revision } = await first!.commit([{ kind: 'put', draft: aDraft('a', '1') }])
    await until(() => second!.revision >= revision)
    await assert.rejects(second!.commit([{ kind: 'put', draft: aDraft('a', '2'), expect: 'absent' }]), RevisionConflictError)
    await second!.commit([{ kind: 'put', draft: aDraft('a', '2'), expect: revision }])
    const deleted = await first!.commit([{ kind: 'delete', key: keyNamed('a') }])
    await until(() => second!.revision >= deleted.revision)

    assert.deepEqual(told, ['put a', 'put a', 'delete a'])
    assert.deepEqual([...second!.all()], [])
  })

  etcdTest('gives the lead to another when a term ends, and refuses what the old leader still sends', async (t, etcd) => {
    const prefix = aPrefix()
    const old = await aStore(t, etcd, { prefix, termSeconds: 2 })
    const next = await aStore(t, etcd, { prefix, termSeconds: 2 })
    const never = new AbortController().signal
    const term = await old.lead('keeper', never)
    const waiting = next.lead('keeper', never)
    await old.commit([put('a', 'old')], term.fence)

    const lease = (await etcd.ctl(['get', `${prefix}/leader/keeper`, '--print-value-only'])).trim()
    await etcd.ctl(['lease', 'revoke', BigInt(lease).toString(16)])
    const newTerm = await waiting

    await assert.rejects(old.commit([put('a', 'late')], term.fence), LeadershipLostError)
    await next.commit([put('a', 'new')], newTerm.fence)
    await term.ended
    assert.deepEqual(
      (await next.load()).records.map(record => record.value),
      ['new'],
    )
  })

  etcdTest('keeps a term over the death of an etcd leader', async (t, etcd) => {
    const store = await aStore(t, etcd, { termSeconds: 5 })
    const term = await store.lead('keeper', new AbortController().signal)
    let hasEnded = false
    void term.ended.then(() => {
      hasEnded = true
    })
    const leader = await etcd.leader()

    await etcd.kill(leader)
    await delay(7000)
    await untilCommitted(() => store.commit([put('a', '1')], term.fence))

    assert.equal(hasEnded, false)
    etcd.restart(leader)
    await etcd.ready()
  })

  etcdTest('tells each process what the others say, until they end or die', async (t, etcd) => {
    const prefix = aPrefix()
    const [one, two] = [await aStore(t, etcd, { prefix, termSeconds: 2 }), await aStore(t, etcd, { prefix, termSeconds: 2 })]
    const [first, second] = [one.join('first'), two.join('second')]
    const heard = new Map<string, string>()
    second.follow((process, name, value) => {
      if (value === undefined) heard.delete(`${process}/${name}`)
      else heard.set(`${process}/${name}`, value)
    })
    second.say('name', 'of its own')
    for (const index of range(250)) first.say(`n${index}`, `${index}`)
    await until(() => heard.size === 250)

    first.say('n0', 'another')
    first.say('n1', undefined)
    await until(() => heard.get('first/n0') === 'another' && !heard.has('first/n1'))
    assert.equal(heard.size, 249)

    // Its lease is gone, as after a long pause: the others no longer hear it, until it has said all of it again.
    const leases = (await etcd.ctl(['lease', 'list', '-w', 'fields'])).match(/(?<="ID" : )\d+/g) ?? []
    for (const lease of leases) {
      const keys = await etcd.ctl(['lease', 'timetolive', BigInt(lease).toString(16), '--keys'])
      if (keys.includes(`${prefix}/live/first/`)) await etcd.ctl(['lease', 'revoke', BigInt(lease).toString(16)])
    }
    await until(() => heard.size < 249)
    await until(() => heard.size === 249)

    await first.close()
    await until(() => heard.size === 0)
    await second.close()
  })

  etcdTest('belongs to whoever came first', async (t, etcd) => {
    const prefix = aPrefix()
    await aStore(t, etcd, { prefix, owner: 'zone a' })
    await aStore(t, etcd, { prefix, owner: 'zone a' })

    await assert.rejects(EtcdStore.open({ endpoints: etcd.endpoints, prefix, owner: 'zone b' }), {
      code: 'SKERRY_STORE_OWNER',
      message: /is the store of zone a, not of zone b/,
    })
  })

  etcdTest('is not taken for ours when it holds less than was acknowledged', async (t, etcd) => {
    const data = await mkdtemp(join(tmpdir(), 'skerry-etcd-data-'))
    t.after(() => rm(data, { recursive: true }))
    const config = { store: 'etcd', data, etcdEndpoints: etcd.endpoints, etcdPrefix: aPrefix() } as const
    const store = await openStore(config, 'global')
    await store.commit([put('a', '1')])
    await store.close()
    await (await openStore(config, 'global')).close()

    await etcd.ctl(['del', '--prefix', `${config.etcdPrefix}/`])

    await assert.rejects(openStore(config, 'global'), {
      code: 'SKERRY_STORE_DAMAGED',
      message: /ends at revision 0, but revision \d+ was acknowledged/,
    })
    await (await openStore({ ...config, storeBeginAnew: true }, 'global')).close()
    await assert.rejects(openStore({ ...config, etcdEndpoints: undefined }, 'global'), { code: 'SKERRY_STORE_CONFIG' })
  })

  test('says what is wrong when nobody answers, or when it may not come in', async t => {
    const [port] = await freePorts(1)
    await assert.rejects(EtcdStore.open({ endpoints: [`http://127.0.0.1:${port}`] }), {
      code: 'SKERRY_STORE_UNAVAILABLE',
      message: /does not answer: .*Nothing was written/,
    })
    await assert.rejects(EtcdStore.open({ endpoints: ['127.0.0.1:2379'] }), { code: 'SKERRY_ETCD_OPTIONS' })
    await assert.rejects(EtcdStore.open({ endpoints: ['http://a:1', 'https://b:1'] }), { code: 'SKERRY_ETCD_OPTIONS' })
    const directory = await mkdtemp(join(tmpdir(), 'skerry-etcd-tls-'))
    t.after(() => rm(directory, { recursive: true }))
    const { rootCaPem, server } = await testCertificate('etcd')
    const files = { ca: join(directory, 'ca.pem'), cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
    await writeFile(files.ca, rootCaPem)
    await writeFile(files.cert, server.certPem)
    await writeFile(files.key, server.keyPem)
    const secured = await EtcdCluster.start({ members: 1, tls: files })
    if (typeof secured === 'string') return t.skip(secured)
    t.after(() => secured.stop())
    for (const args of [
      'user add root:secret',
      'user add skerry:word',
      'role add skerry',
      'role grant-permission skerry --prefix=true readwrite /skerry/',
    ])
      await secured.ctl(args.split(' '))
    for (const args of ['role add root', 'user grant-role root root', 'user grant-role skerry skerry', 'auth enable'])
      await secured.ctl(args.split(' '))
    const { endpoints } = secured
    const ca = Buffer.from(rootCaPem)

    const store = await EtcdStore.open({ endpoints, ca, user: { name: 'skerry', password: 'word' }, owner: 'global' })
    await store.commit([put('a', '1')])
    assert.equal((await readOne(store, 0)).length, 1)
    await store.close()

    await assert.rejects(EtcdStore.open({ endpoints, ca }), /user name is empty/)
    await assert.rejects(EtcdStore.open({ endpoints, ca, user: { name: 'skerry', password: 'wrong' } }), /authentication failed/)
    await assert.rejects(
      EtcdStore.open({ endpoints, ca, prefix: '/other', user: { name: 'skerry', password: 'word' } }),
      /permission denied/,
    )
    await assert.rejects(EtcdStore.open({ endpoints, user: { name: 'skerry', password: 'word' } }), { code: 'SKERRY_STORE_UNAVAILABLE' })
  })

  etcdTest('starts empty in a cluster that was compacted before it came', async (t, etcd) => {
    const prefix = aPrefix()
    const before = await aStore(t, etcd, { changeLimit: false })
    await etcd.ctl(['compact', `${etcdRevision(await before.commit([put('a', '0')]))}`])
    const store = await aStore(t, etcd, { prefix })
    const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
    t.after(() => registry.close())

    const { revision } = await registry.commit([{ kind: 'put', draft: aDraft('a', '1') }])

    assert.deepEqual([registry.revision, registry.list('MeshService').length], [revision, 1])
  })

  etcdTest('takes thousands of records in one commit, and refuses whole what is too much', async (t, etcd) => {
    const store = await aStore(t, etcd, {})
    const start = await store.commit([put('n1', '')])
    const many = range(5000).map(index => put(`n${index}`, 'x'.repeat(100)))
    const revision = await store.commit(many)
    assert.equal((await store.load()).records.length, 5000)
    assert.equal((await readOne(store, start)).length, 5000)

    await assert.rejects(store.commit(range(100).map(index => put(`n${index}`, 'x'.repeat(50_000)))), CommitTooLargeError)
    assert.equal((await store.load()).revision, revision)
    await store.commit([put('n1', 'small')])
  })
})

function etcdTest(sentence: string, body: (t: TestContext, etcd: EtcdCluster) => Promise<void>): void {
  test(sentence, async t => {
    if (typeof cluster === 'string') t.skip(cluster)
    else await body(t, cluster)
  })
}

function aPrefix(): string {
  return `/test-${++prefixes}`
}

async function aStore(t: TestContext, etcd: EtcdCluster, options: Partial<Parameters<typeof EtcdStore.open>[0]>): Promise<EtcdStore> {
  const store = await EtcdStore.open({ endpoints: etcd.endpoints, prefix: aPrefix(), ...options })
  t.after(() => store.close())
  return store
}

/** Everything a watch yields, as it comes. */
function gather(store: Store, from: number, signal: AbortSignal) {
  const seen = { commits: [] as (readonly StoreChange[])[], revisions: [] as number[] }
  void (async () => {
    for await (const changes of store.watch(from, signal)) {
      seen.commits.push(changes)
      seen.revisions.push(revisionOf(changes[0]))
    }
  })()
  return seen
}

async function readOne(store: Store, from: number): Promise<readonly StoreChange[]> {
  const stop = new AbortController()
  for await (const changes of store.watch(from, stop.signal)) {
    stop.abort()
    return changes
  }
  throw new Error('the watch ended')
}

function revisionOf(change: StoreChange | undefined): number {
  return change?.kind === 'put' ? change.record.revision : (change?.revision ?? 0)
}

function valueIn(change: StoreChange): string {
  return change.kind === 'put' ? change.record.value : 'deleted'
}

function keyOf(change: StoreChange) {
  return change.kind === 'put' ? change.record.key : change.key
}

function keyOfResource(change: { kind: 'put'; resource: { name: string } } | { kind: 'delete'; key: { name: string } }): string {
  return change.kind === 'put' ? change.resource.name : change.key.name
}

function aDraft(name: string, value: string): ResourceDraft {
  return { ...keyNamed(name), labels: { value }, spec: {} }
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('it did not come to be within 20 s')
    await delay(10)
  }
}

/** While the members elect a leader a write may be refused. */
async function untilCommitted<T>(commit: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await commit()
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || tries > 10) throw error
    }
  }
}
