import type { Task, TaskStopCode } from '@aws-sdk/client-ecs'

/** What really became of a task: ministack knows only what was wished of it. */
export interface TaskRecord {
  readonly arn: string
  readonly address: string
  readonly lastStatus: 'PROVISIONING' | 'RUNNING' | 'STOPPING' | 'STOPPED'
  readonly desiredStatus: 'RUNNING' | 'STOPPED'
  /** Grows with every change. */
  readonly version: number
  readonly stopCode?: TaskStopCode
  readonly stoppedReason?: string
}

/** A task as ministack tells it, and as ECS would: with its network interface, and in the state that it is in. Pure. */
export function asEcsTellsIt(task: Task, record: TaskRecord | undefined): Task {
  // On Fargate there is no host to be seen.
  const { containerInstanceArn: _, ...seen } = task
  if (record === undefined) return { ...seen, lastStatus: 'PROVISIONING', attachments: [] }
  const { address, arn: _arn, ...said } = record
  const id = record.arn.slice(-36)
  return {
    ...seen,
    ...said,
    attachments: [
      {
        id,
        type: 'ElasticNetworkInterface',
        status: record.lastStatus === 'STOPPED' ? 'DELETED' : 'ATTACHED',
        details: [{ name: 'privateIPv4Address', value: address }],
      },
    ],
    containers: (task.containers ?? []).map(container => ({
      ...container,
      lastStatus: record.lastStatus,
      networkInterfaces: [{ attachmentId: id, privateIpv4Address: address }],
    })),
  }
}

/** The same as an event has it, which calls an interface otherwise. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html */
export function asEvent(task: Task): Task {
  const { tags: _, ...detail } = task
  return { ...detail, attachments: (task.attachments ?? []).map(attachment => ({ ...attachment, type: 'eni' })) }
}
