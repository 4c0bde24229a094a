import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TrustPlan } from '../../policy/plan.ts'
import { ManualClock } from '../../std/clock.ts'
import { testCertificate } from '../../std/test-certificate.ts'
import { rootsOf } from './roots.ts'
import { TrustCounts, trustWithinMs, type Verifier } from './trust-counts.ts'

const { rootCaPem } = await testCertificate()
const east: TrustPlan = { trustDomain: 'default.east.mesh.local', bundles: [rootCaPem] }
const west: TrustPlan = { trustDomain: 'default.west.mesh.local', bundles: [rootCaPem] }

function aCount(names: readonly string[]) {
  const clock = new ManualClock()
  const counts = new TrustCounts(clock)
  let changes = 0
  counts.onChange = () => changes++
  const proxies = names.map(name => ({ mesh: 'default', name }))
  const wants = (version: string, ...bundles: TrustPlan[]) => {
    for (const proxy of proxies) counts.wants(proxy, version, bundles)
  }
  return {
    clock,
    counts,
    proxies: proxies as [Verifier, Verifier, ...Verifier[]],
    wants,
    changes: () => changes,
    domains: () => counts.of('default').trusts.map(({ trustDomain }) => trustDomain.split('.')[1]),
    behind: () => counts.of('default').behind,
    counted: () => counts.of('default').counted,
  }
}

test('a bundle counts as acknowledged when the last proxy has taken it', () => {
  const { counts, proxies, wants, domains } = aCount(['a', 'b'])
  wants('v1', east)
  for (const proxy of proxies) counts.runs(proxy, 'v1')
  wants('v2', east, west)
  assert.deepEqual(domains(), ['east'])

  counts.runs(proxies[0], 'v2')
  assert.deepEqual(domains(), ['east'])
  counts.runs(proxies[1], 'v2')
  assert.deepEqual(domains(), ['east', 'west'])
})

test('a proxy that does not answer holds the others up for a while, then it alone is behind', async () => {
  const { clock, counts, proxies, wants, domains, behind, counted } = aCount(['a', 'b'])
  wants('v1', east)
  for (const proxy of proxies) counts.runs(proxy, 'v1')
  wants('v2', east, west)
  counts.runs(proxies[0], 'v2')

  await clock.run(trustWithinMs - 1)
  assert.deepEqual([domains(), behind()], [['east'], []])
  await clock.run(1)
  assert.deepEqual([domains(), behind(), counted()], [['east', 'west'], ['b'], 1])

  counts.runs(proxies[1], 'v2')
  assert.deepEqual([behind(), counted()], [[], 2])
})

test('newer bundles do not give one that is behind more time', async () => {
  const { clock, counts, proxies, wants, behind } = aCount(['a'])
  wants('v1', east)
  counts.runs(proxies[0], 'v1')
  wants('v2', east, west)
  await clock.run(trustWithinMs - 100)
  wants('v3', west)
  await clock.run(100)
  assert.deepEqual(behind(), ['a'])
})

test('a proxy that comes takes nothing back: it is counted from its first acknowledgement of what is current', () => {
  const { counts, proxies, wants, domains, counted } = aCount(['a'])
  wants('v1', east)
  counts.runs(proxies[0], 'v1')
  wants('v2', east, west)
  counts.runs(proxies[0], 'v2')

  const returning = { mesh: 'default', name: 'b' }
  counts.wants(returning, 'v2', [east, west])
  counts.runs(returning, 'v1')
  assert.deepEqual([domains(), counted()], [['east', 'west'], 1])
  counts.runs(returning, 'v2')
  assert.equal(counted(), 2)
})

test('one whose stream broke before it answered is waited for, until it is back or its time is over', async () => {
  const { clock, counts, proxies, wants, domains } = aCount(['a', 'b'])
  wants('v1', east)
  for (const proxy of proxies) counts.runs(proxy, 'v1')
  wants('v2', east, west)
  counts.runs(proxies[0], 'v2')
  counts.left(proxies[1])
  assert.deepEqual(domains(), ['east'])

  const back = { mesh: 'default', name: 'b' }
  counts.wants(back, 'v2', [east, west])
  assert.deepEqual(domains(), ['east'])
  counts.runs(back, 'v2')
  assert.deepEqual(domains(), ['east', 'west'])

  wants('v3', west)
  counts.wants(back, 'v3', [west])
  counts.runs(proxies[0], 'v3')
  counts.left(back)
  await clock.run(trustWithinMs)
  assert.deepEqual(domains(), ['west'])
})

test('one whose Dataplane is gone is waited for no longer', () => {
  const { counts, proxies, wants, domains } = aCount(['a', 'b'])
  wants('v1', east)
  for (const proxy of proxies) counts.runs(proxy, 'v1')
  wants('v2', east, west)
  counts.runs(proxies[0], 'v2')
  counts.left(proxies[1])

  counts.forget('default', 'b')

  assert.deepEqual(domains(), ['east', 'west'])
})

test('one that verifies nobody any more is not counted', () => {
  const { counts, proxies, wants, counted } = aCount(['a', 'b'])
  wants('v1', east)
  for (const proxy of proxies) counts.runs(proxy, 'v1')
  counts.wants(proxies[1], null, [])
  assert.equal(counted(), 1)
})

test('an acknowledgement of what was acknowledged already is no change', () => {
  const { counts, proxies, wants, changes } = aCount(['a'])
  wants('v1', east)
  counts.runs(proxies[0], 'v1')
  const before = changes()
  counts.runs(proxies[0], 'v1')
  wants('v1', east)
  assert.equal(changes(), before)
})

test('whatever happens: what is said is believed by every proxy that is not shown as behind', () => {
  const versions: Record<string, TrustPlan[]> = { v1: [east], v2: [east, west], v3: [west] }
  const event = fc.oneof(
    fc.record({ kind: fc.constant('wants' as const), version: fc.constantFrom('v1', 'v2', 'v3') }),
    fc.record({ kind: fc.constantFrom('runs' as const, 'old' as const, 'left' as const), proxy: fc.nat(2) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, 2000, trustWithinMs) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), events => {
      const { clock, counts } = aCount([])
      let wanted = 'v1'
      const proxies = [0, 1, 2].map(() => ({ verifier: null as Verifier | null, sent: 'v1', runs: null as string | null }))
      const connect = (index: number) => {
        proxies[index]!.verifier = { mesh: 'default', name: `p${index}` }
        proxies[index]!.runs = null
        counts.wants(proxies[index]!.verifier!, wanted, versions[wanted]!)
      }
      for (const index of proxies.keys()) connect(index)
      for (const it of events) {
        switch (it.kind) {
          case 'wants':
            wanted = it.version
            for (const { verifier } of proxies) if (verifier) counts.wants(verifier, wanted, versions[wanted]!)
            break
          case 'runs': {
            const proxy = proxies[it.proxy]!
            if (!proxy.verifier) connect(it.proxy)
            proxy.runs = wanted
            counts.runs(proxy.verifier!, wanted)
            break
          }
          case 'old': {
            // A claim, or an answer that crossed with something newer: it changes nothing that the proxy has not said before.
            const proxy = proxies[it.proxy]!
            if (proxy.verifier && proxy.runs) counts.runs(proxy.verifier, proxy.runs)
            break
          }
          case 'left': {
            const proxy = proxies[it.proxy]!
            if (proxy.verifier) counts.left(proxy.verifier)
            proxy.verifier = null
            break
          }
          case 'wait':
            clock.advance(it.ms)
        }
        const { trusts, behind, counted } = counts.of('default')
        assert.ok(counted <= 6)
        for (const [index, { verifier, runs }] of proxies.entries()) {
          if (!verifier || !runs || behind.includes(`p${index}`)) continue
          const own = rootsOf(versions[runs]!)
          for (const { trustDomain, roots } of trusts) {
            const held = own.find(entry => entry.trustDomain === trustDomain)?.roots ?? []
            for (const root of roots) assert.ok(held.includes(root), `p${index} runs ${runs}, and ${trustDomain} is said to be trusted`)
          }
        }
      }
    }),
  )
})
