import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceCallError } from './adapter.ts'
import { drainPages, type Page } from './paging.ts'

const options = { what: 'tasks', idOf: (item: string) => item }
const pages =
  (...all: readonly (Page<string> | Error)[]) =>
  async (token: string | undefined) => {
    const page = all[Number(token ?? 0)]!
    if (page instanceof Error) throw page
    return page
  }

test('all pages are read, and what comes on two of them counts once', async () => {
  const drained = await drainPages(pages({ items: ['a', 'b'], next: '1' }, { items: ['b', 'c'], next: '' }), options)

  assert.deepEqual(drained, { items: ['a', 'b', 'c'], pages: 2, complete: true, missing: [] })
})

test('a later page that cannot be read leaves what was read, as incomplete; the first one says that nothing is known', async () => {
  const down = new SourceCallError('unreachable', 'no answer')

  const drained = await drainPages(pages({ items: ['a'], next: '1' }, down), options)

  assert.deepEqual([drained.items, drained.complete, drained.missing], [['a'], false, ['page 2 of tasks could not be read: no answer']])
  await assert.rejects(drainPages(pages(down), options), down)
})

test('pages that run in a ring, or never end, are incomplete', async () => {
  const ring = await drainPages(pages({ items: ['a'], next: '1' }, { items: ['b'], next: '1' }), options)
  const endless = await drainPages(async token => ({ items: ['a'], next: String(Number(token ?? 0) + 1) }), { ...options, maxPages: 5 })

  assert.match(ring.missing[0]!, /run in a ring/)
  assert.deepEqual([endless.complete, endless.pages], [false, 5])
})

test('a defect of ours is no answer of the platform', async () => {
  await assert.rejects(drainPages(pages({ items: ['a'], next: '1' }, new TypeError('oops')), options), TypeError)
})
