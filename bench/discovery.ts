import { measureDemo } from './discovery-demo-support.ts'
import { measureEcs } from './discovery-ecs-support.ts'
import { measurePods } from './discovery-pods-support.ts'
import { measureZone } from './discovery-zone-support.ts'
import type { Figure } from './figure.ts'

export const about = 'discovery: 5,000 ECS tasks and 10,000 pods, alone and in a zone; a part: ecs, kubernetes, zone, demo'

const tasks = 5000
const services = 300
const pods = 10_000
const replaced = 1000

const parts: Readonly<Record<string, () => Promise<readonly Figure[]>>> = { ecs, kubernetes: () => measurePods(pods), zone, demo }

export async function run(args: readonly string[]): Promise<readonly Figure[]> {
  const unknown = args.find(arg => parts[arg] === undefined)
  if (unknown !== undefined) throw new Error(`there is no part ${unknown}; there are: ${Object.keys(parts).join(', ')}`)
  const figures: Figure[] = []
  for (const part of args.length > 0 ? args : Object.keys(parts)) figures.push(...(await parts[part]!()))
  return figures
}

/** The adapter alone. */
async function ecs(): Promise<readonly Figure[]> {
  const { calls, listMs, longestStallMs, longestTurnMs, bytesPerTask, workloads } = await measureEcs({ tasks, services })
  if (workloads !== tasks) throw new Error(`${workloads} of ${tasks} tasks were found`)
  const made = Object.values(calls).reduce((sum, count) => sum + count, 0)
  const computed = 2 * Math.ceil(tasks / 100) + Math.ceil(services / 10)
  return [
    { name: `${tasks} tasks: calls of a full listing`, value: made, unit: 'calls', goal: computed },
    { name: `${tasks} tasks: a full listing without a budget`, value: listMs, unit: 'ms' },
    { name: `${tasks} tasks: longest stall of the event loop`, value: longestStallMs, unit: 'ms', goal: 50 },
    { name: `${tasks} tasks: longest turn of the event loop, processor`, value: longestTurnMs, unit: 'ms', goal: 50 },
    { name: `${tasks} tasks: kept by the adapter for each`, value: bytesPerTask / 1024, unit: 'KiB', goal: 2 },
  ]
}

/** Both in a zone, with its registry on disk, its planning and the guard. */
async function zone(): Promise<readonly Figure[]> {
  const report = await measureZone({ pods, tasks, services, replaced })
  const all = `zone of ${pods} pods and ${tasks} tasks`
  const restart = `rolling restart of ${replaced} tasks`
  return [
    { name: `${all}: source written → all in the registry, within the budget of calls`, value: report.firstMs / 1000, unit: 's' },
    { name: `${all}: longest turn of the event loop until then, processor`, value: report.firstTurnMs, unit: 'ms', goal: 50 },
    { name: `${all}: longest turn while it is listed again`, value: report.againTurnMs, unit: 'ms', goal: 50 },
    { name: `${all}: heap of the whole zone for each`, value: report.heapPerWorkload / 1024, unit: 'KiB' },
    { name: `${restart}: writes for each task that begins or ends`, value: report.restartWrites, unit: 'writes', goal: 2 },
    { name: `${restart}: transactions for each`, value: report.restartCommits, unit: 'transactions' },
    { name: `${restart}: longest turn of the event loop, processor`, value: report.restartTurnMs, unit: 'ms', goal: 50 },
    { name: `${restart}: events sent → all in the registry`, value: report.restartMs / 1000, unit: 's' },
  ]
}

/** In the demo mesh, where its fake cloud can be had. */
async function demo(): Promise<readonly Figure[]> {
  const report = await measureDemo()
  if (report === null) return []
  return [
    { name: 'a task runs (event) → called by a sidecar in the other zone, median', value: report.medianMs, unit: 'ms', goal: 2000 },
    { name: 'a task runs (event) → called by a sidecar in the other zone, longest', value: report.longestMs, unit: 'ms', goal: 2000 },
  ]
}
