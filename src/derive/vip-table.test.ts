import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatKey } from '../model/resource.ts'
import type { NameableService } from './hostname-generator.ts'
import { aMultiZoneService, anExternalService, aService } from './test-support.ts'
import { reuseAfterMs } from './vip-pool.ts'
import { parseVipRange } from './vip-range.ts'
import { VipTable } from './vip-table.ts'

function aTable(cidr = '241.0.0.0/8', services: readonly NameableService[] = [], nowMs = 0): VipTable {
  const table = new VipTable({
    MeshService: parseVipRange(cidr)!,
    MeshExternalService: parseVipRange('242.0.0.0/8')!,
    MeshMultiZoneService: parseVipRange('243.0.0.0/8')!,
  })
  table.restore(services, nowMs)
  return table
}

function ipOf(table: VipTable, service: NameableService): string | undefined {
  const vip = table.vipOf(formatKey(service))
  return vip?.kind === 'assigned' ? vip.ip : undefined
}

/** As it is once its address is in its status. */
function withVip(service: NameableService, ip: string | undefined): NameableService {
  if (ip === undefined) return service
  return { ...service, status: service.kind === 'MeshExternalService' ? { vip: { ip } } : { vips: [{ ip }] } } as NameableService
}

test('each kind has a range, and gets the next free address of it', () => {
  const table = aTable()
  const services = [aService('a'), aService('b'), anExternalService('c'), aMultiZoneService('d')]
  for (const service of services) assert.deepEqual([...table.set(service, 0)], [formatKey(service)])

  assert.deepEqual(
    services.map(service => ipOf(table, service)),
    ['241.0.0.1', '241.0.0.2', '242.0.0.1', '243.0.0.1'],
  )
})

test('what a status has is kept over a restart, and those without get what is left', () => {
  const [a, b, c] = [aService('a'), withVip(aService('b'), '241.0.0.1'), withVip(aService('c'), '241.0.0.7')]
  const table = aTable('241.0.0.0/8', [a, b, c])

  assert.deepEqual(
    [a, b, c].map(service => ipOf(table, service)),
    ['241.0.0.2', '241.0.0.1', '241.0.0.7'],
  )
})

test('of two with the same address the older keeps it, whichever comes first', () => {
  const old = withVip({ ...aService('old'), creationTime: '2026-01-01T00:00:00.000Z' }, '241.0.0.1')
  const young = withVip({ ...aService('young'), creationTime: '2026-02-01T00:00:00.000Z' }, '241.0.0.1')

  const table = aTable()
  table.set(young, 0)
  assert.equal(ipOf(table, young), '241.0.0.1')
  assert.deepEqual([...table.set(old, 0)].sort(), [formatKey(old), formatKey(young)].sort())
  assert.deepEqual([ipOf(table, old), ipOf(table, young)], ['241.0.0.1', '241.0.0.2'])

  const restarted = aTable('241.0.0.0/8', [young, old])
  assert.deepEqual([ipOf(restarted, old), ipOf(restarted, young)], ['241.0.0.1', '241.0.0.2'])
})

test('an address outside of the range is given up: the range is another now', () => {
  const table = aTable('10.0.0.0/24', [withVip(aService('a'), '241.0.0.9')])

  assert.equal(ipOf(table, aService('a')), '10.0.0.1')
})

test('a status that lost its address, or has one that is another’s, is to be written again with the one held', () => {
  const table = aTable('241.0.0.0/8', [withVip(aService('a'), '241.0.0.1'), withVip(aService('b'), '241.0.0.2')])

  assert.deepEqual([...table.set(aService('b'), 0)], [formatKey(aService('b'))])
  assert.deepEqual([...table.set(withVip(aService('b'), '241.0.0.1'), 0)], [formatKey(aService('b'))])
  assert.equal(ipOf(table, aService('b')), '241.0.0.2')
  assert.equal(table.set(withVip(aService('b'), '241.0.0.2'), 0).size, 0)
})

test('an exhausted range is said to be so, and whoever waits gets an address when one has been free for long enough', () => {
  const [a, b, c] = [aService('a'), aService('b'), aService('c')]
  const table = aTable('10.0.0.0/30', [a, b, c])
  assert.deepEqual(table.vipOf(formatKey(c)), {
    kind: 'exhausted',
    reason: 'no address of 10.0.0.0/30 is free: 2 of 2 are held',
  })
  assert.equal(table.retryAtMs, null)

  table.delete(formatKey(a), 1000)
  assert.equal(table.retryAtMs, 1000 + reuseAfterMs)
  assert.equal(table.retry(999 + reuseAfterMs).size, 0)
  assert.deepEqual([...table.retry(1000 + reuseAfterMs)], [formatKey(c)])
  assert.equal(ipOf(table, c), '10.0.0.1')
  assert.equal(table.retryAtMs, null)
})

type Step = { kind: 'set' | 'delete'; index: number; stale: boolean; waitMs: number } | { kind: 'restart' }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom('set' as const, 'delete' as const),
      index: fc.nat(8),
      stale: fc.boolean(),
      waitMs: fc.constantFrom(0, 1000, reuseAfterMs),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

test('whatever comes, goes and starts anew: addresses are of the range, no two hold one, who holds one keeps it, and none is reused too soon', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom('10.0.0.0/29', '10.0.0.0/30', '10.0.0.0/24'), (steps, cidr) => {
      let table = aTable(cidr)
      let nowMs = 0
      const range = parseVipRange(cidr)!
      const living = new Map<string, NameableService>()
      const releasedAt = new Map<string, number>()
      for (const it of steps) {
        const before = new Map([...living].map(([key, service]) => [key, ipOf(table, service)]))
        if (it.kind === 'restart') {
          for (const [key, service] of living) living.set(key, withVip(service, ipOf(table, service)))
          table = aTable(cidr, [...living.values()], nowMs)
          releasedAt.clear()
        } else {
          nowMs += it.waitMs
          const service = aService(`s${it.index}`)
          const key = formatKey(service)
          if (it.kind === 'set') {
            const written = it.stale ? service : withVip(service, ipOf(table, service))
            living.set(key, written)
            table.set(written, nowMs)
          } else {
            const ip = before.get(key)
            if (ip !== undefined) releasedAt.set(ip, nowMs)
            living.delete(key)
            before.delete(key)
            table.delete(key, nowMs)
          }
          table.retry(nowMs)
        }

        const held = [...living.values()].flatMap(service => ipOf(table, service) ?? [])
        assert.equal(new Set(held).size, held.length)
        for (const ip of held) assert.ok(/^10\.0\.0\.\d+$/.test(ip) && Number(ip.split('.')[3]) <= range.last - range.first + 1)
        for (const [key, ip] of before) if (ip !== undefined) assert.equal(ipOf(table, living.get(key)!), ip)
        for (const [key, service] of living) {
          const ip = ipOf(table, service)
          if (ip !== undefined && before.get(key) === undefined)
            assert.ok(nowMs - (releasedAt.get(ip) ?? -reuseAfterMs) >= reuseAfterMs, ip)
          if (ip === undefined) assert.equal(table.vipOf(key)?.kind, 'exhausted')
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('two control planes of a zone on one store come to the same addresses, whoever writes first', () => {
  const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`
  const names = fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 })
  fc.assert(
    fc.property(names, fc.infiniteStream(fc.nat(9)), (names, choices) => {
      const tables = [aTable(), aTable()]
      const stored = new Map<string, NameableService>()
      const put = (service: NameableService) => {
        stored.set(formatKey(service), service)
        for (const table of tables) table.set(service, 0)
      }
      // Each of the two gave some of them out before it heard of the others.
      const services = names.map((name, index) => ({ ...aService(name), creationTime: at(index + 1) }))
      for (const [index, table] of tables.entries())
        for (const service of index === 0 ? services : services.toReversed()) table.set(service, 0)
      for (const service of services) put(service)

      const wanted = () =>
        tables.flatMap(table =>
          [...stored.values()].flatMap(service => {
            const next = withVip(service, ipOf(table, service))
            return JSON.stringify(next) === JSON.stringify(service) ? [] : [next]
          }),
        )
      let writes = 0
      for (let open = wanted(); open.length > 0; open = wanted()) {
        assert.ok(++writes < 100, 'they write for ever')
        put(open[choices.next().value % open.length]!)
      }

      const held = services.map(service => ipOf(tables[0]!, service))
      assert.deepEqual(
        services.map(service => ipOf(tables[1]!, service)),
        held,
      )
      assert.equal(new Set(held).size, held.length)
    }),
    { numRuns: 300 },
  )
})
