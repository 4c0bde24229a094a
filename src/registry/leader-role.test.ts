import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../std/log.ts'
import { LeaderRole } from './leader-role.ts'
import type { Leadership, Term } from './leadership.ts'
import { MemoryStore } from './memory-store.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))

test('of several that stand for a role on one store one leads; when it goes, the next does', async () => {
  const store = new MemoryStore()
  const first = new LeaderRole({ leadership: store, role: 'keeper', log: silentLog })
  await turn()
  await using second = new LeaderRole({ leadership: store, role: 'keeper', log: silentLog })
  await turn()
  assert.deepEqual([first.fence !== undefined, second.fence], [true, undefined])

  await first[Symbol.asyncDispose]()
  await turn()

  assert.equal(first.fence, undefined)
  assert.ok(second.fence)
})

test('a term that is lost is told at once, and the next one is stood for', async () => {
  const terms: (() => void)[] = []
  const leadership: Leadership = {
    lead: async (role): Promise<Term> => {
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      terms.push(resolve)
      return { fence: { role, term: terms.length }, ended, resign: async () => resolve() }
    },
  }
  await using role = new LeaderRole({ leadership, role: 'keeper', log: silentLog })
  const told: (number | undefined)[] = []
  role.onChange(fence => told.push(fence?.term))
  await turn()

  terms[0]!()
  await turn()

  assert.deepEqual(told, [1, undefined, 2])
  assert.equal(role.fence?.term, 2)
})
