import { setImmediate } from 'node:timers/promises'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { type Change, type Gone, type Item, type Listing, type Locality, SourceCallError } from '../adapter.ts'
import { nameInArn } from '../aws/arn.ts'
import { batch, type DescribedInBatches, type EcsCalls, inBatches } from './calls.ts'
import { type ClusterMemory, isOlder } from './cluster-memory.ts'
import { learnSurroundings } from './surroundings.ts'
import { factsOf, type RawTask, type TaskFacts } from './task.ts'
import { taskState } from './task-state.ts'
import { hostNeeded, itemOfTask, serviceNameOf } from './translate.ts'

/** About five milliseconds. */
const tasksPerTurn = 250

interface Told {
  readonly items: readonly Item[]
  readonly gone: readonly Gone[]
  readonly missing: readonly string[]
}

/** A cluster as one scope: its listings, and what events and polls say in between. They share one memory, and may go on beside each other. */
export class Cluster {
  readonly arn: string
  readonly #calls: EcsCalls
  readonly #memory: ClusterMemory
  readonly #locality: Locality
  readonly #spec: DiscoverySourceSpec

  constructor(arn: string, calls: EcsCalls, memory: ClusterMemory, locality: Locality, spec: DiscoverySourceSpec) {
    this.arn = arn
    this.#calls = calls
    this.#memory = memory
    this.#locality = locality
    this.#spec = spec
  }

  /**
   * Every task that shall run. Tasks that were known and are not listed any more are asked for by name: that tells a task that is being stopped,
   * and the reason of one that has, from one that a listing lacks.
   */
  async list(signal: AbortSignal): Promise<Listing> {
    const listed = await this.#calls.listTasks(this.arn, signal)
    const unlisted = new Set([...this.#memory.tasks()].map(({ arn }) => arn))
    for (const arn of listed.items) unlisted.delete(arn)
    const asked = [...listed.items, ...unlisted]
    const described = await this.#describe(asked, signal)
    if (described.failed !== null && described.calls === 0) throw described.failed
    const tasks = described.found.map(task => this.#memory.remember(task)).filter(task => task !== null)
    const learned = await learnSurroundings(this.#calls, this.arn, this.#memory, tasks, 'all', signal)
    const told = await this.#tellInTurns(tasks)
    const missing = [...listed.missing, ...described.missing, ...learned.missing, ...told.missing]
    const gone = [...told.gone, ...described.gone.map(arn => this.#missing(arn))]
    if (missing.length === 0) this.#memory.tidy()
    return { complete: missing.length === 0, missing, items: told.items, gone, pages: listed.pages + described.calls + learned.calls }
  }

  /** Single tasks, by their ARNs. */
  async confirm(arns: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    const { found, gone } = await this.#describe(arns, signal)
    const answers = new Map<string, 'there' | Gone>()
    for (const task of found) {
      const state = taskState(task, false)
      answers.set(task.arn, state.kind === 'gone' ? goneOf(task, state.reason) : 'there')
    }
    for (const arn of gone) answers.set(arn, this.#missing(arn))
    return answers
  }

  /**
   * How many tasks run, by the cluster's own count; null: it does not say. None is no word either: tasks that stop are told one by one, and a
   * cluster without any may be another one that answers under this name.
   */
  async count(signal: AbortSignal): Promise<number | null> {
    const { found } = await this.#calls.describeClusters([this.arn], signal)
    return found[0]?.runningTasksCount || null
  }

  /**
   * What events say of tasks, as changes. What is no newer than what is known is nothing new. Throws SourceCallError when the rest of a task
   * cannot be asked for: then nothing of it is remembered, and the same events may come again.
   */
  async apply(raw: readonly RawTask[], signal: AbortSignal): Promise<readonly Change[]> {
    const newest = new Map<string, TaskFacts>()
    for (const event of raw) {
      const known = this.#memory.task(event.taskArn ?? '')
      const task = factsOf(event, known?.tags)
      if (task === null || this.#memory.hasStopped(task.arn)) continue
      if (known !== undefined && isNoNewer(task, known)) continue
      const other = newest.get(task.arn)
      if (other === undefined || !isOlder(task, other)) newest.set(task.arn, withHealth(task, known))
    }
    const complete = await this.#withTags([...newest.values()], signal)
    const alive = complete.filter(task => taskState(task, false).kind === 'alive')
    const { missing } = await learnSurroundings(this.#calls, this.arn, this.#memory, alive, 'new', signal)
    if (missing.length > 0) throw new SourceCallError('unreachable', missing.join('; '))
    return this.#changes(complete.map(task => this.#memory.remember(task)).filter(task => task !== null))
  }

  /** ECS said of a host that it changed: what its tasks are now. */
  hostChanged(instanceArn: string, status: string, isConnected: boolean): readonly Change[] {
    const host = this.#memory.hosts.get(instanceArn)
    if (host === undefined || (host.status === status && host.isConnected === isConnected)) return []
    this.#memory.hosts.set(instanceArn, { ...host, status, isConnected })
    return this.#changes([...this.#memory.tasks()].filter(task => task.instanceArn === instanceArn))
  }

  /** Those of whose health ECS tells nobody: running, with a health check. ARNs. */
  checked(): string[] {
    const isChecked = ({ lastStatus, desiredStatus, definitionArn }: TaskFacts) =>
      lastStatus === 'RUNNING' && desiredStatus === 'RUNNING' && this.#memory.definition(definitionArn)?.hasHealthCheck === true
    return [...this.#memory.tasks()].filter(isChecked).map(({ arn }) => arn)
  }

  /** Asks for single tasks, and says what of them is not as it was known. Throws SourceCallError. */
  async poll(arns: readonly string[], signal: AbortSignal): Promise<readonly Change[]> {
    const { found, gone } = await this.#calls.describeTasks(this.arn, arns, signal)
    const changed = found.filter(task => {
      const known = this.#memory.task(task.arn)
      return known !== undefined && !isOlder(task, known) && hasChanged(task, known)
    })
    const changes = this.#changes(changed.map(task => this.#memory.remember(task)).filter(task => task !== null))
    return [...changes, ...gone.map((arn): Change => ({ kind: 'gone', gone: this.#missing(arn) }))]
  }

  /** Thousands of tasks at once would hold up everything else that this process does. What an event said meanwhile counts. */
  async #tellInTurns(tasks: readonly TaskFacts[]): Promise<Told> {
    const all = { items: [] as Item[], gone: [] as Gone[], missing: [] as string[] }
    for (let first = 0; first < tasks.length; first += tasksPerTurn) {
      if (first > 0) await setImmediate()
      const some = tasks.slice(first, first + tasksPerTurn).map(({ arn }) => this.#memory.task(arn))
      const { items, gone, missing } = this.#tell(some.filter(task => task !== undefined))
      all.items.push(...items)
      all.gone.push(...gone)
      all.missing.push(...missing)
    }
    return all
  }

  #describe(arns: readonly string[], signal: AbortSignal): Promise<DescribedInBatches<TaskFacts>> {
    return inBatches(arns, batch.tasks, some => this.#calls.describeTasks(this.arn, some, signal))
  }

  /** An event brings no tags, and tags may say what a task is: those of a task that is new are asked for, which brings the newest of all. */
  async #withTags(tasks: readonly TaskFacts[], signal: AbortSignal): Promise<readonly TaskFacts[]> {
    const isNew = (task: TaskFacts) => this.#memory.task(task.arn) === undefined && taskState(task, false).kind === 'alive'
    const arns = tasks.filter(isNew).map(({ arn }) => arn)
    if (arns.length === 0) return tasks
    const { found, missing, failed } = await this.#describe(arns, signal)
    if (missing.length > 0) throw failed ?? new SourceCallError('garbled', missing.join('; '))
    const described = new Map(found.map(task => [task.arn, task]))
    return tasks.flatMap(task => {
      if (!isNew(task)) return [task]
      const now = described.get(task.arn)
      // ECS does not know it: it has been gone for an hour, and its event lay about.
      if (now === undefined) return []
      return [isOlder(now, task) ? { ...task, tags: now.tags } : { ...now, version: now.version ?? task.version }]
    })
  }

  #changes(tasks: readonly TaskFacts[]): readonly Change[] {
    const { items, gone } = this.#tell(tasks)
    return [...items.map((item): Change => ({ kind: 'seen', item })), ...gone.map((gone): Change => ({ kind: 'gone', gone }))]
  }

  /** What is not fully known is not told at all: half of what says what a task is could make another of it. */
  #tell(tasks: readonly TaskFacts[]): Told {
    const items: Item[] = []
    const gone: Gone[] = []
    let unknown = 0
    for (const task of tasks) {
      const definition = this.#memory.definition(task.definitionArn)
      const state = taskState(task, definition?.hasHealthCheck ?? false)
      if (state.kind === 'gone') {
        this.#memory.stopped(task.arn)
        gone.push(goneOf(task, state.reason))
        continue
      }
      const serviceName = serviceNameOf(task)
      const service = serviceName === undefined ? undefined : this.#memory.services.get(serviceName)
      const instance = hostNeeded(task, definition)
      const host = instance === undefined ? undefined : this.#memory.hosts.get(instance)
      const isKnown = (serviceName === undefined || service !== undefined) && (instance === undefined || host !== undefined)
      if (definition === undefined || !isKnown) unknown++
      else items.push(itemOfTask({ task, definition, service, host, state }, this.#locality, this.#spec))
    }
    const missing = unknown === 0 ? [] : [`${unknown} tasks are passed over, as their definition, service or host is not known yet`]
    return { items, gone, missing }
  }

  /**
   * ECS speaks of a stopped task for an hour; after that it is MISSING. So is every task where somebody else's cluster answers under this name:
   * in masses it is no proof, and what was missing may be there again.
   */
  #missing(arn: string): Gone {
    this.#memory.forget(arn)
    return { id: arn, reason: `ECS knows no task ${nameInArn(arn)} any more (MISSING)`, inferred: true }
  }
}

function goneOf({ arn, version }: TaskFacts, reason: string): Gone {
  return { id: arn, ...(version === undefined ? {} : { version }), reason }
}

/** An event with the version that is known is a duplicate. */
function isNoNewer(task: TaskFacts, known: TaskFacts): boolean {
  return task.version !== undefined && known.version !== undefined && task.version <= known.version
}

/** Events do not say health. */
function withHealth(task: TaskFacts, known: TaskFacts | undefined): TaskFacts {
  return task.healthStatus === undefined && known !== undefined ? { ...task, healthStatus: known.healthStatus } : task
}

function hasChanged(task: TaskFacts, known: TaskFacts): boolean {
  return (
    task.healthStatus !== known.healthStatus ||
    task.lastStatus !== known.lastStatus ||
    task.desiredStatus !== known.desiredStatus ||
    task.version !== known.version
  )
}
