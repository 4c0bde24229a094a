import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry, type RegistryChange } from '../src/registry/registry.ts'
import { SqliteStore } from '../src/registry/sqlite-store.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import type { Figure } from './figure.ts'
import { aDataplane, aService, type ScaleReport } from './registry-scale-support.ts'

export const about = '100,000 Dataplanes and 2,000 services in one registry: start, memory, lists, watch delivery, bulk'

const dataplanes = 100_000
const services = 2000

export async function run(): Promise<readonly Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
  try {
    const file = join(directory, 'store.db')
    await fill(file)
    return figuresOf(await measureInProcess(file))
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function fill(file: string): Promise<void> {
  const store = await SqliteStore.open({ file })
  const registry = await Registry.open(store, { clock: systemClock, log: silentLog })
  const drafts = [
    ...Array.from({ length: services }, (_, index) => aService(index)),
    ...Array.from({ length: dataplanes }, (_, index) => aDataplane(index)),
  ]
  for (let first = 0; first < drafts.length; first += 1000)
    await registry.commit(drafts.slice(first, first + 1000).map((draft): RegistryChange => ({ kind: 'put', draft })))
  await registry.close()
  await store.close()
}

/** A process that does nothing else, so that its memory is the registry's. */
async function measureInProcess(file: string): Promise<ScaleReport> {
  const child = fork(join(import.meta.dirname, 'registry-scale-support.ts'), ['measure', file], { execArgv: ['--expose-gc'] })
  const [report] = (await once(child, 'message')) as [ScaleReport]
  child.disconnect()
  await once(child, 'exit')
  return report
}

function figuresOf(report: ScaleReport): Figure[] {
  return [
    { name: 'start: read, verified, decoded, ready', value: report.readyMs / 1000, unit: 's', goal: 5 },
    { name: 'memory of the process (RSS)', value: report.rssMb, unit: 'MB', goal: 600 },
    { name: 'of it JavaScript in use', value: report.heapMb, unit: 'MB' },
    { name: 'first list of all, in order', value: report.firstListMs, unit: 'ms' },
    { name: 'a page of 1,000 as JSON, median', value: report.pageMs, unit: 'ms', goal: 10 },
    { name: `first list by a label (${report.labelled} match)`, value: report.firstLabelMs, unit: 'ms', goal: 50 },
    { name: 'list by a label, median', value: report.labelMs, unit: 'ms', goal: 50 },
    { name: 'all looked through for a label, median', value: report.scanMs, unit: 'ms', goal: 50 },
    { name: 'a change → the last of 50 watches, p50', value: report.deliveryMs.p50, unit: 'ms', goal: 20 },
    { name: 'a change → the last of 50 watches, p99', value: report.deliveryMs.p99, unit: 'ms' },
    { name: 'bulk changes, 500 a commit: a change', value: 1e6 / report.bulkPerSecond, unit: 'µs', goal: 50 },
    { name: 'bulk changes, 500 a commit', value: report.bulkPerSecond, unit: '/s' },
  ]
}
