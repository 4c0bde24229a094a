import type { TaskFacts } from './task.ts'
import type { Definition } from './task-definition.ts'
import type { Host, Service } from './translate.ts'

/** More than a cluster stops within the time in which a late word of one may come. */
const mostStopped = 10_000
/** Revisions: those in use, and those of the last rollouts. */
const mostDefinitions = 5000

/**
 * What is known of a cluster between listings: a few facts about each task, so that an event – which brings no tags – and a poll of health come
 * to the same item as a listing.
 */
export class ClusterMemory {
  readonly services = new Map<string, Service>()
  /** By the ARN of the container instance. */
  readonly hosts = new Map<string, Host>()
  readonly #tasks = new Map<string, TaskFacts>()
  readonly #stopped = new Set<string>()
  readonly #definitions: Map<string, Definition>
  /** Ten thousand tasks say the same few words, and have the same few tags. */
  readonly #words = new Map<string, string>()
  readonly #tags = new Map<string, TaskFacts['tags']>()

  /** @param definitions shared by all clusters of a source */
  constructor(definitions: Map<string, Definition>) {
    this.#definitions = definitions
  }

  tasks(): IterableIterator<TaskFacts> {
    return this.#tasks.values()
  }

  task(arn: string): TaskFacts | undefined {
    return this.#tasks.get(arn)
  }

  /** A task does not come back; what says so is late. */
  hasStopped(arn: string): boolean {
    return this.#stopped.has(arn)
  }

  /** Keeps the newer of what is told and what is known, and returns it; null: it has stopped. */
  remember(task: TaskFacts): TaskFacts | null {
    if (this.#stopped.has(task.arn)) return null
    const known = this.#tasks.get(task.arn)
    if (known !== undefined && isOlder(task, known)) return known
    const kept = this.#shared(task)
    this.#tasks.set(kept.arn, kept)
    return kept
  }

  forget(arn: string): void {
    this.#tasks.delete(arn)
  }

  stopped(arn: string): void {
    this.#tasks.delete(arn)
    this.#stopped.add(arn)
    if (this.#stopped.size > mostStopped) this.#stopped.delete(this.#stopped.values().next().value!)
  }

  definition(arn: string): Definition | undefined {
    const definition = this.#definitions.get(arn)
    if (definition === undefined) return undefined
    // The least recently used comes first.
    this.#definitions.delete(arn)
    this.#definitions.set(arn, definition)
    return definition
  }

  keepDefinition(definition: Definition): void {
    this.#definitions.set(definition.arn, definition)
    if (this.#definitions.size > mostDefinitions) this.#definitions.delete(this.#definitions.keys().next().value!)
  }

  /** Lets go of hosts, services and words that no task speaks of. After a complete listing. */
  tidy(): void {
    const instances = new Set([...this.#tasks.values()].map(({ instanceArn }) => instanceArn))
    for (const arn of this.hosts.keys()) if (!instances.has(arn)) this.hosts.delete(arn)
    if (this.#words.size > 4 * this.#tasks.size + 1000) this.#words.clear()
    if (this.#tags.size > this.#tasks.size + 1000) this.#tags.clear()
  }

  #shared(task: TaskFacts): TaskFacts {
    return {
      ...task,
      definitionArn: this.#word(task.definitionArn)!,
      instanceArn: this.#word(task.instanceArn),
      group: this.#word(task.group),
      startedBy: this.#word(task.startedBy),
      zone: this.#word(task.zone),
      tags: this.#sharedTags(task.tags),
    }
  }

  #sharedTags(tags: TaskFacts['tags']): TaskFacts['tags'] {
    const text = JSON.stringify(tags)
    const known = this.#tags.get(text)
    if (known === undefined) this.#tags.set(text, tags)
    return known ?? tags
  }

  #word(text: string | undefined): string | undefined {
    if (text === undefined) return undefined
    const known = this.#words.get(text)
    if (known === undefined) this.#words.set(text, text)
    return known ?? text
  }
}

/** `version` grows with each change of a task; what has none counts as new. */
export function isOlder(task: TaskFacts, known: TaskFacts): boolean {
  return task.version !== undefined && known.version !== undefined && task.version < known.version
}
