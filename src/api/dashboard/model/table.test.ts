import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OrderedIndex } from './ordered-index.ts'
import { Table, type TableQuery } from './table.ts'

interface Row {
  readonly id: string
  readonly mesh: string
  readonly zones: readonly string[]
  readonly size: number | null
}

const aTable = (isSmall: boolean) =>
  new Table<Row>({
    id: row => row.id,
    mesh: row => row.mesh,
    text: row => row.id,
    filters: { mesh: row => row.mesh, zone: row => row.zones },
    sorts: { id: row => row.id, size: row => row.size, mesh: row => row.mesh },
    order: 'id',
    isSmall,
  })

const everything: TableQuery = { filters: new Map(), q: undefined, sort: undefined, offset: 0, size: 1_000, visible: undefined }

test('an index in order holds what was added and not taken away, in order, however it grew', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.boolean()), { maxLength: 3_000 }), steps => {
      const index = new OrderedIndex<number>((a, b) => a - b, [5, 3, 4])
      const expected = new Set([3, 4, 5])
      for (const [value, isAdded] of steps) {
        if (isAdded && !expected.has(value)) index.add(value)
        else if (!isAdded) assert.equal(index.delete(value), expected.has(value))
        if (isAdded) expected.add(value)
        else expected.delete(value)
      }
      const sorted = [...expected].sort((a, b) => a - b)
      assert.deepEqual([...index], sorted)
      assert.deepEqual(index.slice(2, 700), sorted.slice(2, 702))
      assert.deepEqual([index.size, index.first], [sorted.length, sorted[0]])
    }),
    { numRuns: 60 },
  )
})

const rows = fc.record({
  id: fc.nat({ max: 30 }).map(number => `row-${number}`),
  mesh: fc.constantFrom('', 'a', 'b'),
  zones: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 2 }),
  size: fc.option(fc.nat({ max: 3 })),
})

test('a page is what filtering, sorting and cutting all rows would give', () => {
  const sort = fc.constantFrom('id', '-size,id', 'size', 'mesh,-id', '-mesh,size')
  const asked = fc.record({
    mesh: fc.option(fc.constantFrom('a', 'b', 'c')),
    zones: fc.option(fc.subarray(['x', 'y', 'z'])),
    q: fc.option(fc.constantFrom('1', 'ROW-2')),
    sort,
    offset: fc.nat({ max: 5 }),
    size: fc.integer({ min: 1, max: 8 }),
    meshes: fc.option(fc.subarray(['a', 'b'])),
  })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(rows, fc.boolean()), { maxLength: 80 }),
      fc.array(asked, { minLength: 2, maxLength: 8 }),
      fc.boolean(),
      (steps, queries, isSmall) => {
        const table = aTable(isSmall)
        const expected = new Map<string, Row>()
        const ask = (query: (typeof queries)[number]) => {
          const { mesh, zones, q, meshes } = query
          const filters = new Map<string, readonly string[]>([
            ...(mesh ? [['mesh', [mesh]] as const] : []),
            ...(zones ? [['zone', zones] as const] : []),
          ])
          const found = [...expected.values()].filter(
            row =>
              (!mesh || row.mesh === mesh) &&
              (!zones || row.zones.some(zone => zones.includes(zone))) &&
              (!q || row.id.includes(q.toLowerCase())) &&
              (!meshes || meshes.includes(row.mesh)),
          )
          found.sort((a, b) => naively(query.sort, a, b))
          const visible = meshes ? { meshes: new Set(meshes) } : undefined
          const { total, rows } = table.query({
            filters,
            q: q ?? undefined,
            sort: query.sort,
            offset: query.offset,
            size: query.size,
            visible,
          })
          assert.equal(total, found.length)
          assert.deepEqual(rows, found.slice(query.offset, query.offset + query.size))
        }
        for (const [row, isThere] of steps) {
          if (isThere) table.put(row)
          else table.delete(row.id)
          if (isThere) expected.set(row.id, row)
          else expected.delete(row.id)
          // Orders that were asked for are kept up from then on.
          ask(queries[expected.size % queries.length]!)
        }
        for (const query of queries) ask(query)
      },
    ),
    { numRuns: 150 },
  )
})

function naively(sort: string, a: Row, b: Row): number {
  for (const field of sort.split(',')) {
    const name = field.replace('-', '') as 'id' | 'size' | 'mesh'
    const [left, right] = [a[name], b[name]]
    if (left === right) continue
    if (left === null) return 1
    if (right === null) return -1
    return (left < right ? -1 : 1) * (field.startsWith('-') ? -1 : 1)
  }
  return a.id < b.id ? -1 : 1
}

test('a row that is equal to what is there is no news', () => {
  const table = aTable(false)
  const row = { id: 'a', mesh: 'm', zones: ['x'], size: 1 }
  assert.equal(table.put(row), true)
  assert.equal(table.put({ ...row, zones: ['x'] }), false)
  assert.equal(table.put({ ...row, zones: ['x', 'y'] }), true)
  assert.equal(table.put({ ...row, zones: ['y', 'x'] }), true)
  assert.deepEqual([...table.idsWith('zone', 'y')], ['a'])
  assert.equal(table.query(everything).total, 1)
})
