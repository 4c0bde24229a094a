import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ResourceDraft } from '../../../model/resource.ts'
import { aBoard, aCapacity, aMesh, anInsight, aProxy, aService, aStrategy, aUnion, aZone, type Board } from '../testing.ts'
import type { DashboardModel } from './dashboard-model.ts'

const names = fc.constantFrom('a', 'b', 'c')
const places = fc.record({ mesh: fc.constantFrom('default', 'other'), zone: fc.constantFrom('aws-1', 'azure-1') })
const numbers = fc.nat({ max: 2 })

type Step = (board: Board) => Promise<unknown> | unknown

/** Puts it or takes it away. */
function written(draft: fc.Arbitrary<(now: number) => ResourceDraft>): fc.Arbitrary<Step> {
  return fc.tuple(draft, fc.boolean(), fc.boolean()).map(([make, isThere, alsoThere]) => board => {
    const made = make(board.clock.now())
    return isThere || alsoThere ? board.put(made) : board.remove(made)
  })
}

const proxies = fc
  .record({
    name: names,
    place: places,
    workload: names,
    agentless: fc.boolean(),
    state: fc.constantFrom(undefined, 'NotReady', 'Ignored'),
  })
  .map(
    ({ name, place, workload, agentless, state }) =>
      () =>
        aProxy(name, {
          ...place,
          workload,
          ...(state ? { state: state as 'NotReady' } : {}),
          labels: agentless ? { 'skerry.io/proxy': 'none' } : {},
        }),
  )
const insights = fc
  .record({
    name: names,
    place: places,
    connected: fc.boolean(),
    notReady: fc.constantFrom(undefined, 'its application does not answer'),
    refusal: fc.constantFrom(undefined, 'no such cluster'),
    lifeMs: fc.constantFrom(undefined, 30_000, 600_000, 86_400_000),
  })
  .map(({ name, place, connected, notReady, refusal, lifeMs }) => (now: number) => {
    const certificate = lifeMs === undefined ? undefined : { issuedAt: now, notAfter: now + lifeMs }
    return anInsight(name, now, {
      ...place,
      connected,
      ...(notReady ? { notReady } : {}),
      ...(refusal ? { refusal } : {}),
      ...(certificate ? { certificate } : {}),
    })
  })
/** Without a status it counts what was announced, as services of other zones do in a zone. */
const services = fc
  .record({ name: names, place: places, healthy: numbers, more: numbers, app: names, isElsewhere: fc.boolean() })
  .map(({ name, place, healthy, more, app, isElsewhere }) => () => {
    const { status, ...rest } = aService(name, healthy, healthy + more, { ...place, labels: { app } })
    return isElsewhere ? rest : { ...rest, status }
  })
const unions = fc
  .record({
    name: fc.constantFrom('a', 'b', 'u'),
    mesh: fc.constantFrom('default', 'other'),
    selector: fc.constantFrom('name', 'app', 'all'),
  })
  .map(
    ({ name, mesh, selector }) =>
      () =>
        aUnion(name, selector === 'name' ? { 'kuma.io/display-name': name } : selector === 'app' ? { app: 'a' } : {}, mesh),
  )
const capacities = fc.record({ name: names, place: places, healthy: numbers, more: numbers }).map(
  ({ name, place, healthy, more }) =>
    () =>
      aCapacity(name, healthy, healthy + more, place),
)
const zones = fc.constantFrom('aws-1', 'azure-1').map(name => () => aZone(name))
const meshes = fc.constantFrom('default', 'other').map(name => () => aMesh(name))
const policies = fc
  .record({ name: names, mesh: fc.constantFrom('default', 'other'), shadow: fc.boolean() })
  .map(({ name, mesh, shadow }) => () => {
    const draft = aStrategy(name, 'a', [{ to: { type: 'Any' } }], { mesh })
    return shadow ? { ...draft, labels: { ...draft.labels, 'kuma.io/effect': 'shadow' } } : draft
  })

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: written(proxies) },
  { weight: 4, arbitrary: written(insights) },
  { weight: 3, arbitrary: written(services) },
  written(unions),
  written(capacities),
  written(zones),
  written(meshes),
  written(policies),
  fc.tuple(fc.constantFrom('aws-1', 'azure-1'), fc.boolean(), fc.boolean()).map(
    ([zone, connected, behind]): Step =>
      board =>
        board.link(zone, { connected, behind: behind ? ['MeshTrust'] : [], ...(connected ? {} : { lastError: 'UNAVAILABLE: gone' }) }),
  ),
  fc.nat({ max: 40_000 }).map(
    (ms): Step =>
      board =>
        board.clock.run(ms),
  ),
)

/** All that is shown, but since when: what was there at the start began at an unknown time. */
function shown(model: DashboardModel): unknown {
  model.settle()
  const rows = (table: { values(): Iterable<object> }) =>
    [...table.values()].map(row => JSON.stringify(row, (key, value) => (hidden.has(key) ? undefined : value))).sort()
  const { problems, counts } = model.summary(undefined)
  return {
    zones: rows(model.zones.table),
    services: rows(model.services.table),
    workloads: rows(model.workloads.table),
    proxies: rows(model.proxies.table),
    meshes: rows(model.meshes.table),
    policies: rows(model.meshes.policies),
    problems: rows(model.problems.table),
    first: problems.map(({ code }) => code),
    counts,
  }
}
const hidden = new Set(['since', 'ms', 'cause'])

test('whatever changes in whatever order, what is shown is what follows from what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 80 }), async sequence => {
      await using board = await aBoard()
      for (const step of sequence) await step(board)
      await board.clock.run(61_000)
      using scratch = board.open()
      await board.clock.run(61_000)

      assert.deepEqual(shown(board.model), shown(scratch))
    }),
    { numRuns: 400 },
  )
})
