import { DashboardModel } from '../src/api/dashboard/model/dashboard-model.ts'
import { showService } from '../src/api/dashboard/service-view.ts'
import { aMesh, anInsight, aProxy, aService, aUnion, aZone } from '../src/api/dashboard/testing.ts'
import type { Dataplane } from '../src/model/kinds/dataplane.ts'
import type { DataplaneInsight } from '../src/model/kinds/dataplane-insight.ts'
import type { ResourceDraft } from '../src/model/resource.ts'
import { MemoryStore } from '../src/registry/memory-store.ts'
import { Registry } from '../src/registry/registry.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import type { Figure } from './figure.ts'

export const about = 'the dashboard’s model over 100,000 Dataplanes: one change, the summary, pages of lists'

const dataplanes = 100_000
const instancesEach = 20
const zones = ['aws-1', 'azure-1', 'gcp-1', 'onprem-1']

export async function run(): Promise<readonly Figure[]> {
  const store = new MemoryStore()
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  await fill(registry)
  await writeMs(registry)
  const bareMs = await writeMs(registry)
  const loading = performance.now()
  const model = new DashboardModel({
    registry,
    clock: systemClock,
    log: silentLog,
    zone: '',
    instance: 'bench',
    version: '1.0.0',
    insightOf: ({ mesh, name }: Dataplane) => registry.get<DataplaneInsight>({ kind: 'DataplaneInsight', mesh, name })?.spec,
    silentSince: () => null,
  })
  const loadedMs = performance.now() - loading
  try {
    const list = { filters: new Map<string, string[]>(), q: undefined, sort: undefined, offset: 0, size: 100, visible: undefined }
    const firstMs = timed(() => model.services.table.query(list))
    const firstProxiesMs = timed(() => model.proxies.table.query(list))
    const services = () => model.services.table.query({ ...list, offset: 2_000 }).rows.map(row => showService(model, row, ''))
    const what = `${dataplanes} Dataplanes`
    return [
      { name: `${what}: load`, value: loadedMs, unit: 'ms' },
      { name: `${what}: a change taken in`, value: await changeMs(registry, model), unit: 'ms', goal: 0.2 },
      { name: `${what}: added to a write`, value: Math.max(0, (await writeMs(registry)) - bareMs), unit: 'ms', goal: 0.01 },
      { name: `${what}: a change taken in with 2,000 others`, value: timed(() => model.settle()) / 2_000, unit: 'ms', goal: 0.2 },
      { name: `${what}: summary`, value: median(() => model.summary(undefined)), unit: 'ms', goal: 1 },
      { name: `${what}: summary as JSON`, value: median(() => JSON.stringify(model.summary(undefined))), unit: 'ms', goal: 1 },
      { name: `${what}: page of 100 services`, value: median(services), unit: 'ms', goal: 5 },
      { name: `${what}: page of 100 services, first of an order`, value: firstMs, unit: 'ms' },
      {
        name: `${what}: page of 100 proxies at offset 50,000`,
        value: median(() => model.proxies.table.query({ ...list, offset: 50_000 })),
        unit: 'ms',
        goal: 5,
      },
      {
        name: `${what}: page of 100 proxies of one workload`,
        value: median(() => model.proxies.table.query({ ...list, filters: new Map([['workload', ['w-7']]]) })),
        unit: 'ms',
        goal: 5,
      },
      {
        name: `${what}: page of 100 proxies with a text in their names`,
        value: median(() => model.proxies.table.query({ ...list, q: '-77' }), 20),
        unit: 'ms',
      },
      { name: `${what}: page of 100 proxies, first of an order`, value: firstProxiesMs, unit: 'ms' },
    ]
  } finally {
    model.close()
    await registry.close()
    await store.close()
  }
}

async function fill(registry: Registry): Promise<void> {
  const now = Date.now()
  const drafts: ResourceDraft[] = [aMesh(), ...zones.map(aZone)]
  for (let number = 0; number < dataplanes; number++) drafts.push(...instance(number, now))
  for (let service = 0; service < dataplanes / instancesEach; service++) {
    for (const zone of zones.slice(0, 2)) drafts.push(aService(`w-${service}`, 10, 10, { zone }))
    drafts.push(aUnion(`w-${service}`))
  }
  for (let at = 0; at < drafts.length; at += 5_000) {
    await registry.commit(drafts.slice(at, at + 5_000).map(draft => ({ kind: 'put', draft })))
  }
}

function instance(number: number, now: number, notReady?: string): ResourceDraft[] {
  const zone = zones[number % zones.length]!
  const options = { zone, workload: `w-${Math.floor(number / instancesEach)}` }
  const certificate = { issuedAt: now, notAfter: now + 86_400_000 }
  return [aProxy(`dp-${number}`, options), anInsight(`dp-${number}`, now, { zone, certificate, ...(notReady ? { notReady } : {}) })]
}

/** Writes one after the other, each of another Dataplane, as agents cause them. */
async function writeMs(registry: Registry): Promise<number> {
  const writes = 20_000
  const begin = performance.now()
  for (let count = 0; count < writes; count++) {
    const [, insight] = instance(count, Date.now(), count % 2 === 0 ? 'it does not answer' : undefined)
    await registry.commit([{ kind: 'put', draft: insight! }])
  }
  return (performance.now() - begin) / writes
}

async function changeMs(registry: Registry, model: DashboardModel): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < 1_000; count++) {
    const [, insight] = instance(count * 31, Date.now(), count % 2 === 0 ? 'it does not answer' : undefined)
    await registry.commit([{ kind: 'put', draft: insight! }])
    times.push(timed(() => model.settle()))
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

function median(action: () => unknown, times = 200): number {
  const measured = Array.from({ length: times }, () => timed(action)).sort((a, b) => a - b)
  return measured[times >> 1]!
}

function timed(action: () => unknown): number {
  const begin = performance.now()
  action()
  return performance.now() - begin
}
