import type { Clock } from '../../../std/clock.ts'
import type { Events } from './events.ts'
import { type Problems, problem, well } from './problems.ts'

/** Whether the store takes what is written. `full`: for lack of room; `held`: it waits, as one without its majority; `failed`: this process ends. */
export type StoreState = { readonly kind: 'ok' } | { readonly kind: 'full' | 'held' | 'failed'; readonly reason: string }

interface Options {
  readonly clock: Pick<Clock, 'now'>
  readonly problems: Problems
  readonly events: Events
  /** '' = global. */
  readonly zone: string
}

const findings = {
  full: {
    code: 'SKERRY_STORE_FULL',
    fix: 'make room on its disk: writes are taken again as soon as there is some; reads and traffic go on meanwhile',
  },
  held: { code: 'SKERRY_STORE_HELD', fix: 'bring most of its members back; reads and traffic go on meanwhile' },
  failed: {
    code: 'SKERRY_STORE_FAILED',
    fix: 'check its disk and permissions: this control plane ends, and reads everything again when it is started',
  },
  broken: {
    code: 'SKERRY_AUDIT_BROKEN',
    fix: 'keep a copy of the log, and find out who could write to its file: `skerry audit verify` says where it does not hold',
  },
} as const

/** What is wrong with the control plane itself: what it keeps things in. */
export class Health {
  readonly #options: Options
  readonly #states = new Map<string, keyof typeof findings>()

  constructor(options: Options) {
    this.#options = options
  }

  /** @returns whether that is news */
  store(state: StoreState): boolean {
    return this.#set('Store', state.kind === 'ok' ? undefined : state.kind, state.kind === 'ok' ? '' : state.reason)
  }

  /** @param broken what does not hold in the audit log; undefined = nothing is known to be wrong */
  audit(broken: string | undefined): boolean {
    return this.#set('AuditLog', broken === undefined ? undefined : 'broken', broken ?? '')
  }

  #set(kind: 'Store' | 'AuditLog', state: keyof typeof findings | undefined, cause: string): boolean {
    if (this.#states.get(kind) === state) return false
    const { clock, problems, events, zone } = this.#options
    if (state === undefined) {
      this.#states.delete(kind)
      problems.set(kind, well)
      return true
    }
    this.#states.set(kind, state)
    const about = { subject: { kind, kri: null, mesh: null, zone: zone || null, name: kind }, link: '/dashboard/v1/summary' }
    problems.set(kind, { problems: [problem({ ...findings[state], since: clock.now(), cause, ...about })], nextAt: null })
    events.add({ type: 'problem.reported', ...about, message: `${kind}: ${cause}` })
    return true
  }
}
