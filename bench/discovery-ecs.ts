import { measureEcs } from './discovery-ecs-support.ts'
import type { Figure } from './figure.ts'

export const about = '5,000 ECS tasks of 300 services: calls, time, stalls and memory of a full listing'

const ecsSize = { tasks: 5000, services: 300 }

export async function run(): Promise<readonly Figure[]> {
  const { calls, listMs, longestStallMs, longestTurnMs, bytesPerTask, workloads } = await measureEcs(ecsSize)
  if (workloads !== ecsSize.tasks) throw new Error(`${workloads} of ${ecsSize.tasks} tasks were found`)
  const made = Object.values(calls).reduce((sum, count) => sum + count, 0)
  const computed = 2 * Math.ceil(ecsSize.tasks / 100) + Math.ceil(ecsSize.services / 10)
  return [
    { name: 'calls of a full listing', value: made, unit: 'calls', goal: computed },
    { name: 'a full listing without a budget', value: listMs, unit: 'ms' },
    { name: 'longest stall of the event loop', value: longestStallMs, unit: 'ms', goal: 50 },
    { name: 'longest turn of the event loop, processor', value: longestTurnMs, unit: 'ms', goal: 50 },
    { name: 'kept by the adapter for a task', value: bytesPerTask, unit: 'B', goal: 2048 },
  ]
}
