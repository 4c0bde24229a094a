import type { FoundWorkload } from '../adapter.ts'
import type { TaskFacts } from './task.ts'

export type TaskState =
  | { readonly kind: 'alive'; readonly state: FoundWorkload['state']; readonly reason?: string }
  | { readonly kind: 'gone'; readonly reason: string }

/**
 * What a task's statuses mean for those who call it. That it shall stop is said before it is told so (SIGTERM comes at STOPPING), and that is
 * when it should no longer be called. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
 */
export function taskState(task: TaskFacts, hasHealthCheck: boolean): TaskState {
  const { lastStatus, desiredStatus, healthStatus } = task
  if (lastStatus === 'STOPPED' || lastStatus === 'DELETED') return { kind: 'gone', reason: `stopped${because(task)}` }
  if (desiredStatus === 'STOPPED' || /^(DEACTIVATING|STOPPING|DEPROVISIONING)$/.test(lastStatus))
    return alive('draining', `it is being stopped (${lastStatus})${because(task)}`)
  if (lastStatus !== 'RUNNING') return alive('starting', `it is ${lastStatus}`)
  if (healthStatus === 'UNHEALTHY') return alive('unhealthy', "its container's health check fails")
  if (hasHealthCheck && healthStatus !== 'HEALTHY') return alive('starting', "its container's health check has not said anything yet")
  return { kind: 'alive', state: 'ready' }
}

function alive(state: FoundWorkload['state'], reason: string): TaskState {
  return { kind: 'alive', state, reason }
}

/** As `: SpotInterruption (Your Spot Task was interrupted.)`. */
function because({ stopCode, stoppedReason }: TaskFacts): string {
  const said = stopCode && stoppedReason ? `${stopCode} (${stoppedReason})` : stopCode || stoppedReason
  return said ? `: ${said}` : ''
}
