import { formatKey, type Revision } from '../../model/resource.ts'
import { systemClock, type Timer } from '../../std/clock.ts'
import type { Fence } from '../leadership.ts'
import { CommitTooLargeError, RevisionConflictError, type StoreOperation } from '../store.ts'
import { type CommitContext, commitToEtcd } from './etcd-commit.ts'
import { commitsPerTransaction } from './etcd-revision.ts'

interface Waiting {
  readonly operations: readonly StoreOperation[]
  readonly fence: Fence | undefined
  readonly ids: readonly string[]
  readonly chars: number
  readonly resolve: (revision: Revision) => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit: what comes while a transaction is under way goes into the next one together, so a slow etcd makes transactions larger,
 * not the queue longer. Each commit keeps its own outcome and its own revision.
 */
export class CommitGroups {
  readonly #context: CommitContext
  readonly #holds = new Set<Timer>()
  #waiting: Waiting[] = []
  #isDue = false

  constructor(context: CommitContext) {
    this.#context = context
  }

  async commit(operations: readonly StoreOperation[], fence: Fence | undefined): Promise<Revision> {
    const chars = operations.reduce((sum, operation) => sum + (operation.kind === 'put' ? operation.value.length : 0), 0)
    // A delete leaves nothing behind that could say where in a transaction it was.
    const isSmall = operations.length <= operationsEach && chars <= charsEach && operations.every(({ kind }) => kind === 'put')
    if (!isSmall) return (await commitToEtcd([operations], fence, this.#context))[0]!
    const { promise, resolve, reject } = Promise.withResolvers<Revision>()
    const ids = operations.map(({ key }) => formatKey(key))
    this.#waiting.push({ operations, fence, ids, chars, resolve, reject })
    this.#sendSoon()
    return promise
  }

  /** After all that this turn of the event loop brought. */
  #sendSoon(): void {
    if (this.#isDue || this.#holds.size > 0) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      if (this.#waiting.length > 0 && this.#holds.size === 0) void this.#send(this.#next())
    })
  }

  /** Those that waited longest, in their order, as far as they go together. */
  #next(): Waiting[] {
    const { fence } = this.#waiting[0]!
    const ids = new Set<string>()
    let operations = 0
    let chars = 0
    let count = 0
    for (const waiting of this.#waiting) {
      operations += waiting.operations.length
      chars += waiting.chars
      const fits = count < commitsPerTransaction && operations <= operationsTogether && chars <= charsTogether
      const isAlike = waiting.fence?.role === fence?.role && waiting.fence?.term === fence?.term
      if (count > 0 && (!fits || !isAlike || waiting.ids.some(id => ids.has(id)))) break
      for (const id of waiting.ids) ids.add(id)
      count++
    }
    const group = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return group
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const release = this.#hold()
    try {
      const fence = group[0]!.fence
      const revisions = await commitToEtcd(
        group.map(({ operations }) => operations),
        fence,
        this.#context,
      )
      for (const [place, { resolve }] of group.entries()) resolve(revisions[place]!)
    } catch (error) {
      // Nothing of it was applied, and it is the fault of one: the others are not to suffer for it.
      const isOfOne = error instanceof RevisionConflictError || error instanceof CommitTooLargeError
      if (isOfOne && group.length > 1) for (const one of group) this.#sendAlone(one)
      else for (const { reject } of group) reject(error)
    } finally {
      release()
    }
  }

  #sendAlone({ operations, fence, resolve, reject }: Waiting): void {
    commitToEtcd([operations], fence, this.#context).then(([revision]) => resolve(revision!), reject)
  }

  /** Keeps the next ones waiting until this one is answered, or takes so long that it may never be. */
  #hold(): () => void {
    const release = () => {
      hold.cancel()
      if (this.#holds.delete(hold) && this.#waiting.length > 0) this.#sendSoon()
    }
    const hold = systemClock.setTimeout(release, holdMs)
    this.#holds.add(hold)
    return release
  }
}

/** A commit that is larger goes by itself. `chars` are of values: near enough to bytes for the little that this decides. */
const operationsEach = 8
const charsEach = 32 * 1024
/** What etcd compares in one transaction bounds the first, the 1.5 MB that it takes the second. */
const operationsTogether = 100
const charsTogether = 256 * 1024
/** How long a transaction that is not answered keeps others waiting, ms. */
const holdMs = 25
