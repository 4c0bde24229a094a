import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import { seededRandom } from '../../std/random.ts'
import type { ClusterTable, HostConfig } from '../compile/table.ts'
import { aCluster, aHost, ejectAfterFive, endpointsOf } from '../testing.ts'
import { TlsMaterial } from '../transport/tls-material.ts'
import { TimerWheel } from '../transport/wheel.ts'
import { Cluster } from './cluster.ts'
import type { Host } from './host.ts'

/** A cluster that is only asked whom it would choose. */
function aChooser(priorities: readonly HostConfig[][], overrides: Partial<ClusterTable> = {}) {
  const clock = new ManualClock()
  const cluster = new Cluster(aCluster('shop', overrides), {
    functionHost: () => assert.fail('no function is called here'),
    tls: new TlsMaterial(clock),
    wheel: new TimerWheel(clock, assert.ifError),
    faults: assert.ifError,
    random: seededRandom(3),
    now: () => clock.monotonic(),
  })
  cluster.setEndpoints(endpointsOf('shop', ...priorities))
  const choose = (tried: Host[] = [], isLast = false) => cluster.choose(tried, isLast)
  const host = (port: number) => [...cluster.hosts].find(candidate => candidate.port === port)!
  /** Share of each port in many choices. */
  const shares = (times = 2000) => {
    const counts: Record<number, number> = {}
    for (let i = 0; i < times; i++) {
      const { port } = choose()!
      counts[port] = (counts[port] ?? 0) + 1
    }
    return Object.fromEntries(
      Object.entries(counts).flatMap(([port, count]) => {
        const share = Math.round((count / times) * 20) * 5
        return share === 0 ? [] : [[port, share]]
      }),
    )
  }
  const fail = (port: number, times = 5) => {
    for (let i = 0; i < times; i++) cluster.report(host(port), 'local', clock.monotonic())
  }
  return { clock, cluster, choose, host, shares, fail }
}

test('each balancer gives hosts their weight', () => {
  const hosts = [aHost(1, { weight: 3 }), aHost(2, { weight: 1 })]
  for (const kind of ['round-robin', 'random'] as const) {
    assert.deepEqual(aChooser([hosts], { balancer: { kind, choices: 2 } }).shares(), { 1: 75, 2: 25 }, kind)
  }
  const busy = aChooser([[aHost(1), aHost(2)]], { balancer: { kind: 'least-request', choices: 8 } })
  busy.host(1).active = 3
  assert.deepEqual(busy.shares(), { 2: 100 })
})

test('round-robin with weights does not serve one host in a row', () => {
  const { choose } = aChooser([[aHost(1, { weight: 2 }), aHost(2, { weight: 2 }), aHost(3, { weight: 1 })]])
  const order = Array.from({ length: 10 }, () => choose()!.port).join('')
  assert.doesNotMatch(order, /11|22|33/)
})

test('a host that fails five times in a row is left out for longer each time', () => {
  const { clock, fail, shares, cluster } = aChooser([[aHost(1)], [aHost(2)]], { outlier: ejectAfterFive })
  fail(1, 4)
  assert.deepEqual(shares(), { 1: 100 })
  fail(1, 1)
  assert.deepEqual(shares(), { 2: 100 })

  clock.advance(9_999)
  assert.deepEqual(shares(), { 2: 100 })
  clock.advance(1)
  assert.deepEqual(shares(), { 1: 100 })
  fail(1)
  clock.advance(19_999)
  assert.deepEqual(shares(), { 2: 100 })
  clock.advance(1)
  assert.deepEqual(shares(), { 1: 100 })
  assert.equal(cluster.stats.ejections, 2)
})

test('one success in between starts the count anew', () => {
  const { clock, cluster, host, fail, shares } = aChooser([[aHost(1)], [aHost(2)]], { outlier: ejectAfterFive })
  fail(1, 4)
  cluster.report(host(1), 'success', clock.monotonic())
  fail(1, 4)

  assert.deepEqual(shares(), { 1: 100 })
})

test('no more hosts are ejected than the limit allows, and one always may be', () => {
  const { cluster, fail } = aChooser([[aHost(1), aHost(2), aHost(3)]], { outlier: { ...ejectAfterFive, maxEjectionPercent: 10 } })
  fail(1)
  fail(2)

  assert.equal(cluster.stats.ejections, 1)
})

test('a record survives an update of the endpoints, and ends when somebody says that the host is well again', () => {
  const { cluster, fail, shares } = aChooser([[aHost(1)], [aHost(2)]], { outlier: ejectAfterFive })
  fail(1)
  cluster.setEndpoints(endpointsOf('shop', [aHost(1, { weight: 2 })], [aHost(2)]))
  assert.deepEqual(shares(), { 2: 100 })

  cluster.setEndpoints(endpointsOf('shop', [aHost(1, { state: 'unhealthy' })], [aHost(2)]))
  cluster.setEndpoints(endpointsOf('shop', [aHost(1)], [aHost(2)]))

  assert.deepEqual(shares(), { 1: 100 })
})

test('a host that appears beside others, or returns, is ramped up; the first ones of a cluster are not', () => {
  const { clock, cluster, shares, fail } = aChooser([[aHost(1)]], { slowStartMs: 10_000, outlier: ejectAfterFive })
  assert.deepEqual(shares(), { 1: 100 })

  clock.advance(10_000)
  cluster.setEndpoints(endpointsOf('shop', [aHost(1), aHost(2)]))
  clock.advance(2_500)
  assert.deepEqual(shares(), { 1: 80, 2: 20 })
  clock.advance(7_500)
  assert.deepEqual(shares(), { 1: 50, 2: 50 })

  fail(1)
  clock.advance(15_000)
  assert.deepEqual(shares(), { 1: 35, 2: 65 })
})

test('a host that appears while the whole cluster is new gets its share at once', () => {
  const { clock, cluster, shares } = aChooser([[aHost(1)]], { slowStartMs: 10_000 })
  clock.advance(2_000)
  cluster.setEndpoints(endpointsOf('shop', [aHost(1), aHost(2)]))
  assert.deepEqual(shares(), { 1: 50, 2: 50 })
})

test('a first priority that returns takes over in steps', () => {
  const { clock, cluster, shares } = aChooser([[aHost(1, { state: 'unhealthy' })], [aHost(2)]], { slowStartMs: 10_000 })
  cluster.setEndpoints(endpointsOf('shop', [aHost(1)], [aHost(2)]))

  const steps: (number | undefined)[] = []
  for (let i = 0; i < 5; i++) {
    steps.push(shares()[1])
    clock.advance(2_000)
  }

  assert.deepEqual(steps, [5, 30, 55, 85, 100])
})

test('a retry goes to a host that was not tried, then to another priority, then to one thought dead, then back', () => {
  const { choose, host } = aChooser([[aHost(1), aHost(2)], [aHost(3)], [aHost(4, { state: 'unhealthy' })]])

  assert.equal(choose([host(1)])?.port, 2)
  assert.equal(choose([host(1), host(2)])?.port, 3)
  assert.equal(choose([host(1), host(2), host(3)])?.port, 4)
  assert.ok([1, 2, 3].includes(choose([host(1), host(2), host(3), host(4)])!.port))
})

test('the last try goes to another priority, for the first may be gone as a whole', () => {
  const { choose, host } = aChooser([[aHost(1), aHost(2), aHost(3)], [aHost(4)]])

  assert.notEqual(choose([host(1)])?.port, 4)
  assert.equal(choose([host(1), host(2)], true)?.port, 4)
  assert.equal(choose([host(4)], true)?.port === 4, false)
})

test('draining hosts are never chosen, not even when nobody else is left', () => {
  const { choose } = aChooser([[aHost(1, { state: 'draining' })], [aHost(2, { state: 'draining' })]])

  assert.equal(choose(), null)
})

test('a cluster without endpoints has nobody to choose', () => {
  assert.equal(aChooser([]).choose(), null)
  assert.equal(aChooser([[], []]).choose(), null)
})
