import { isObject } from '../../model/is-object.ts'
import type { RawTask } from './task.ts'

/** What a message of the queue says. */
export type EcsEvent =
  | { readonly kind: 'task'; readonly cluster: string; readonly task: RawTask }
  | {
      readonly kind: 'host'
      readonly cluster: string
      readonly instanceArn: string
      readonly status: string
      readonly isConnected: boolean
    }
  /** Nothing for us, and why. */
  | { readonly kind: 'other'; readonly reason: string }

/**
 * A message as EventBridge puts it into a queue. Never throws: whoever may write to the queue may write anything.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
 */
export function readEvent(body: string | undefined): EcsEvent {
  let event: unknown
  try {
    event = JSON.parse(body ?? '')
  } catch {
    return { kind: 'other', reason: 'it is no JSON' }
  }
  if (!isObject(event)) return { kind: 'other', reason: 'it is no event of EventBridge' }
  const { source, detail, 'detail-type': type } = event as Record<string, unknown>
  if (source !== 'aws.ecs' || !isObject(detail))
    return { kind: 'other', reason: `it is no event of ECS (source ${JSON.stringify(source)})` }
  const said = detail as Record<string, unknown>
  const cluster = said.clusterArn
  if (typeof cluster !== 'string') return { kind: 'other', reason: 'it names no cluster' }
  if (type === 'ECS Task State Change' && isTask(said)) return { kind: 'task', cluster, task: said as RawTask }
  if (type === 'ECS Container Instance State Change' && typeof said.containerInstanceArn === 'string')
    return {
      kind: 'host',
      cluster,
      instanceArn: said.containerInstanceArn,
      status: typeof said.status === 'string' ? said.status : 'UNKNOWN',
      isConnected: said.agentConnected !== false,
    }
  return { kind: 'other', reason: `nothing follows from ${JSON.stringify(type)}` }
}

/** The lists that are gone through later; single values are looked at when they are read. */
function isTask(detail: Record<string, unknown>): boolean {
  return (
    typeof detail.taskArn === 'string' &&
    typeof detail.taskDefinitionArn === 'string' &&
    [detail.attachments, detail.containers, detail.tags].every(isListOrAbsent) &&
    ((detail.containers ?? []) as Record<string, unknown>[]).every(
      it => isListOrAbsent(it.networkBindings) && isListOrAbsent(it.networkInterfaces),
    ) &&
    ((detail.attachments ?? []) as Record<string, unknown>[]).every(it => isListOrAbsent(it.details))
  )
}

function isListOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(isObject))
}
