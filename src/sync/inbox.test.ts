import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '../model/kinds/index.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { CommitTooLargeError, type StoreOperation } from '../registry/store.ts'
import { systemClock } from '../std/clock.ts'
import { silentLog } from '../std/log.ts'
import { wireName } from './codec.ts'
import { Inbox } from './inbox.ts'
import { encodeForWire } from './owed.ts'
import { aDraft } from './testing.ts'

/** Takes so many bytes in one commit, and so many commits in all. */
class SmallStore extends MemoryStore {
  commits: number[] = []
  limitBytes = 2000
  commitsLeft = Number.POSITIVE_INFINITY

  override commit(operations: readonly StoreOperation[]): Promise<number> {
    const bytes = operations.reduce((sum, operation) => sum + (operation.kind === 'put' ? operation.value.length : 0), 0)
    if (bytes > this.limitBytes) return Promise.reject(new CommitTooLargeError('the store', `${bytes} bytes`))
    if (this.commitsLeft-- <= 0) return Promise.reject(new Error('the store is gone'))
    this.commits.push(operations.length)
    return super.commit(operations)
  }
}

async function anInbox() {
  const store = new SmallStore()
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const inbox = new Inbox(registry, {
    kinds: kinds.filter(({ kind }) => kind === 'MeshService'),
    holds: () => true,
    sentForm: stored => stored,
    admit: draft => ({ kind: 'put', draft }),
    withdraw: stored => (stored ? { kind: 'delete' } : { kind: 'unchanged' }),
  })
  const names = () => registry.list('MeshService').map(({ name }) => name)
  return { store, registry, inbox, names, [Symbol.asyncDispose]: () => registry.close() }
}

const aService = (index: number, filler = 200): ResourceDraft =>
  aDraft('MeshService', `s${String(index).padStart(3, '0')}`, { spec: { filler: 'x'.repeat(filler) } })

function aDelivery(drafts: readonly ResourceDraft[], removed: readonly ResourceDraft[] = []) {
  const resources = drafts.map(draft => {
    const { version, value } = encodeForWire(draft)
    return { name: wireName(draft), version, value }
  })
  return { kind: 'MeshService', resources, removed: removed.map(wireName) }
}

test('what is more than the store takes at once is written in parts, in order, and nothing is left out', async () => {
  await using inbox = await anInbox()
  const drafts = Array.from({ length: 50 }, (_, index) => aService(index))

  assert.deepEqual(await inbox.inbox.receive(aDelivery(drafts)), [])

  assert.ok(inbox.store.commits.length > 1)
  assert.deepEqual(
    inbox.names(),
    drafts.map(({ name }) => name),
  )
  assert.deepEqual(
    [...inbox.inbox.tables.get('MeshService')!.entries()].sort(),
    drafts.map(draft => [wireName(draft), encodeForWire(draft).version]),
  )
})

test('when it breaks off between two parts, the peer is told exactly what is there, and the rest follows', async () => {
  await using inbox = await anInbox()
  const drafts = Array.from({ length: 50 }, (_, index) => aService(index))
  inbox.store.commitsLeft = 2

  await assert.rejects(inbox.inbox.receive(aDelivery(drafts)), /gone/)
  const held = inbox.inbox.begin('MeshService')

  const there = inbox.names()
  assert.ok(there.length > 0 && there.length < 50, `${there.length}`)
  const written = drafts.filter(({ name }) => there.includes(name))
  assert.deepEqual(held, Object.fromEntries(written.map(draft => [wireName(draft), encodeForWire(draft).version])))
  inbox.store.commitsLeft = Number.POSITIVE_INFINITY
  await inbox.inbox.receive(aDelivery(drafts.filter(draft => !(wireName(draft) in held))))
  assert.equal(inbox.names().length, 50)
})

test('one resource that the store never takes is refused by name, and holds up no other', async () => {
  await using inbox = await anInbox()
  const drafts = [aService(1), aService(2, 5000), aService(3)]

  const refusals = await inbox.inbox.receive(aDelivery(drafts))

  assert.deepEqual(
    refusals.map(({ name }) => name),
    [wireName(drafts[1]!)],
  )
  assert.match(refusals[0]!.reason, /does not take so much in one commit/)
  assert.deepEqual(inbox.names(), ['s001', 's003'])
})
