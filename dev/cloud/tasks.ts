import { randomUUID } from 'node:crypto'
import {
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  type ECSClient,
  paginateListClusters,
  paginateListTasks,
  StopTaskCommand,
  type Task,
  type TaskStopCode,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs'
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { shop, until } from '../parts.ts'
import type { Supervisor } from '../supervisor.ts'
import { queue } from './cloud-resources.ts'
import { accepts, LoopbackAddresses } from './loopback.ts'
import { fakeAccount, fakeRegion } from './ministack.ts'
import { asEcsTellsIt, asEvent, type TaskRecord } from './task-record.ts'

/** The one image there is. */
export const shopImage = 'shop'
export const containerPort = 8080
/** From when a task shall stop, and everybody may know it, to its SIGTERM. ms */
const deactivatingMs = 1000
const startsWithinMs = 20_000

interface Run {
  readonly arn: string
  readonly cluster: string
  readonly process: string
  record: TaskRecord
}

/** A state change as it was sent. */
export interface SentEvent {
  readonly record: TaskRecord
  /** `performance.now()` when it was on its way. */
  readonly atMs: number
}

/**
 * The part of ECS that ministack lacks: what it says shall run is run, each task as a process of this machine with an address of its own; what a
 * service lost is started again; and every change of state goes to the queue as a rule of EventBridge puts it there. Nobody but ECS itself may
 * give EventBridge an event of `aws.ecs`: ministack refuses it as AWS does.
 */
export class Tasks {
  readonly #sqs: SQSClient
  readonly #queueUrl: string
  readonly #ecs: ECSClient
  readonly #supervisor: Supervisor
  readonly #zone: string
  readonly #addresses = new LoopbackAddresses(containerPort)
  /** By ARN; those that have stopped too. */
  readonly #runs = new Map<string, Run>()
  readonly sent: SentEvent[] = []
  #turn: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(ministack: string, { ecs, sqs }: { ecs: ECSClient; sqs: SQSClient }, supervisor: Supervisor, zone: string) {
    this.#sqs = sqs
    this.#queueUrl = `${ministack}/${fakeAccount}/${queue}`
    this.#ecs = ecs
    this.#supervisor = supervisor
    this.#zone = zone
  }

  record(arn: string): TaskRecord | undefined {
    return this.#runs.get(arn)?.record
  }

  /** Begins what shall run and does not, and ends what shall not and does. Resolves when that has begun. */
  sync(): Promise<void> {
    this.#turn = this.#turn.then(
      () => this.#sync(),
      () => this.#sync(),
    )
    return this.#turn
  }

  close(): void {
    this.#isClosed = true
  }

  async #sync(): Promise<void> {
    if (this.#isClosed) return
    const wanted = await this.#wanted()
    for (const [arn, { cluster, task }] of wanted) if (!this.#runs.has(arn)) await this.#begin(cluster, task)
    for (const run of this.#runs.values())
      if (!wanted.has(run.arn) && run.record.desiredStatus === 'RUNNING')
        void this.#end(run, 'UserInitiated', 'it shall not run any more').catch(ignored)
  }

  async #wanted(): Promise<ReadonlyMap<string, { cluster: string; task: Task }>> {
    const wanted = new Map<string, { cluster: string; task: Task }>()
    for await (const { clusterArns = [] } of paginateListClusters({ client: this.#ecs }, {}))
      for (const cluster of clusterArns)
        for await (const { taskArns = [] } of paginateListTasks({ client: this.#ecs }, { cluster, desiredStatus: 'RUNNING' })) {
          if (taskArns.length === 0) continue
          const { tasks = [] } = await this.#ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))
          for (const task of tasks) wanted.set(task.taskArn!, { cluster, task })
        }
    return wanted
  }

  async #begin(cluster: string, task: Task): Promise<void> {
    const { taskDefinition } = await this.#ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: task.taskDefinitionArn! }))
    const family = taskDefinition?.family ?? 'task'
    const instance = task.taskArn!.slice(-36, -28)
    const address = await this.#addresses.next()
    const record: TaskRecord = { arn: task.taskArn!, address, lastStatus: 'PROVISIONING', desiredStatus: 'RUNNING', version: 1 }
    const run: Run = { arn: task.taskArn!, cluster, process: `task-${family}-${instance}`, record }
    this.#runs.set(run.arn, run)
    await this.#tell(run, {})
    const image = taskDefinition?.containerDefinitions?.[0]?.image
    if (image !== shopImage) {
      void this.#end(run, 'TaskFailedToStart', `CannotPullContainerError: there is no image ${image}, only ${shopImage}`).catch(ignored)
      return
    }
    await this.#supervisor.start({
      name: run.process,
      role: 'application',
      zone: this.#zone,
      args: [shop, '--name', family, '--zone', this.#zone, '--instance', instance, '--host', address, '--port', String(containerPort)],
      onExit: () => void this.#end(run, 'EssentialContainerExited', 'Essential container in task exited').catch(ignored),
    })
    void this.#becomesReady(run).catch(() => this.#end(run, 'TaskFailedToStart', 'its container does not start').catch(ignored))
  }

  async #becomesReady(run: Run): Promise<void> {
    await until(() => accepts(run.record.address, containerPort), startsWithinMs)
    if (run.record.desiredStatus === 'RUNNING') await this.#tell(run, { lastStatus: 'RUNNING' })
  }

  /** As ECS does it: first everybody is told, then the containers get SIGTERM, and when they have ended the task has stopped. */
  async #end(run: Run, stopCode: TaskStopCode, stoppedReason: string): Promise<void> {
    if (run.record.desiredStatus === 'STOPPED' || this.#isClosed) return
    await this.#tell(run, { desiredStatus: 'STOPPED', stopCode, stoppedReason })
    if (this.#supervisor.isRunning(run.process)) {
      await new Promise(resolve => setTimeout(resolve, deactivatingMs))
      await this.#tell(run, { lastStatus: 'STOPPING' })
    }
    await this.#supervisor.end(run.process)
    await this.#tell(run, { lastStatus: 'STOPPED' })
    await this.#ecs.send(new StopTaskCommand({ cluster: run.cluster, task: run.arn, reason: stoppedReason }))
    await this.#restore(run)
  }

  /** A service gets another one for what it lost. */
  async #restore({ cluster, arn }: Run): Promise<void> {
    if (this.#isClosed) return
    const { tasks = [] } = await this.#ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))
    const [, service] = tasks[0]?.group?.split('service:') ?? []
    // Of a service that is no more there is nothing to restore.
    if (service) await this.#ecs.send(new UpdateServiceCommand({ cluster, service })).catch(ignored)
    await this.sync()
  }

  async #tell(run: Run, change: Partial<TaskRecord>): Promise<void> {
    run.record = { ...run.record, ...change, version: run.record.version + 1 }
    const { tasks = [] } = await this.#ecs.send(new DescribeTasksCommand({ cluster: run.cluster, tasks: [run.arn] }))
    if (tasks[0] === undefined || this.#isClosed) return
    const { record } = run
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    const event = {
      version: '0',
      id: randomUUID(),
      'detail-type': 'ECS Task State Change',
      source: 'aws.ecs',
      account: fakeAccount,
      time: new Date().toISOString(),
      region: fakeRegion,
      resources: [run.arn],
      detail: asEvent(asEcsTellsIt(tasks[0], record)),
    }
    this.sent.push({ record, atMs: performance.now() })
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody: JSON.stringify(event) }))
  }
}

/** The next `sync` finds what is left to do. */
function ignored(): void {}
