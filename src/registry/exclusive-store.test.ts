import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExclusiveStore } from './exclusive-store.ts'
import type { Fence, Term } from './leadership.ts'
import { MemoryStore } from './memory-store.ts'
import { put } from './store.contract.ts'

/** Terms end when the test says so, as when etcd was away for too long. */
class SharedStore extends MemoryStore {
  readonly terms: Term[] = []
  isAway = false
  isTaken = false

  /** It goes on for the others. */
  override async close(): Promise<void> {}

  override async lead(role: string, signal: AbortSignal): Promise<Term> {
    if (this.isTaken) {
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      throw signal.reason
    }
    const term = await super.lead(role, signal)
    this.terms.push(term)
    return term
  }

  override async commit(operations: Parameters<MemoryStore['commit']>[0], fence?: Fence): Promise<number> {
    if (this.isAway) throw new Error('away')
    return await super.commit(operations, fence)
  }
}

const turn = () => new Promise(resolve => setTimeout(resolve, 5))

test('a second one is refused while the first has the store, and gets it when the first has closed', async () => {
  const store = new SharedStore()
  const first = await ExclusiveStore.open(store, { owner: 'zone a', waitMs: 20 })

  await assert.rejects(ExclusiveStore.open(store, { owner: 'zone a', waitMs: 20 }), { code: 'SKERRY_REPLICA_UNSUPPORTED' })
  const waiting = ExclusiveStore.open(store, { owner: 'zone a', waitMs: 5000 })
  await first.commit([put('a', '1')])
  await first.close()

  const second = await waiting
  await second.commit([put('a', '2')])
  await assert.rejects(first.commit([put('a', '3')]), { code: 'SKERRY_STORE_UNAVAILABLE' })
  await second.close()
})

test('whoever lost a term takes up the next, and writes again', async () => {
  const store = new SharedStore()
  const exclusive = await ExclusiveStore.open(store, { owner: 'zone a', waitMs: 20 })

  await store.terms[0]!.resign()
  await turn()

  await exclusive.commit([put('a', '1')])
  assert.equal(store.terms.length, 2)
  await exclusive.close()
})

test('whoever lost the store to another fails; not while the store is only away', async () => {
  const store = new SharedStore()
  const exclusive = await ExclusiveStore.open(store, { owner: 'zone a', waitMs: 20 })
  let failure: Error | undefined
  void exclusive.failed.then(error => {
    failure = error
  })
  store.isAway = true

  store.isTaken = true
  await store.terms[0]!.resign()
  await new Promise(resolve => setTimeout(resolve, 80))
  assert.equal(failure, undefined)

  store.isAway = false
  await new Promise(resolve => setTimeout(resolve, 80))
  assert.equal((failure as { code?: string } | undefined)?.code, 'SKERRY_REPLICA_UNSUPPORTED')
  await exclusive.close()
})
