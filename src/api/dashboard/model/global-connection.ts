import type { Clock } from '../../../std/clock.ts'
import type { GlobalLinkRow } from '../schema/summary.ts'
import type { Events } from './events.ts'
import { type Finding, type Problems, problem } from './problems.ts'
import type { GlobalLinkFacts } from './zone-facts.ts'

/** A reconnect takes less: shorter is no problem, ms. */
const reconnectMs = 10_000

interface Options {
  readonly clock: Pick<Clock, 'now'>
  readonly problems: Problems
  readonly events: Events
  readonly zone: string
}

/** A zone's connection to global, and what is wrong with it. */
export class GlobalConnection {
  readonly #options: Options
  #facts: GlobalLinkFacts | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** null = this control plane has no global. */
  get row(): GlobalLinkRow | null {
    const facts = this.#facts
    if (!facts) return null
    return {
      url: facts.url,
      connected: facts.connected,
      since: new Date(facts.since).toISOString(),
      lastHeard: facts.lastHeard ? new Date(facts.lastHeard).toISOString() : null,
      reason: facts.lastError ?? null,
    }
  }

  set(facts: GlobalLinkFacts): void {
    const before = this.#facts
    this.#facts = { ...facts, lastError: plain(facts.lastError) }
    if (before ? before.connected !== facts.connected : facts.connected) this.#tell(this.#facts)
    this.refresh()
  }

  /** Time went by, or it changed. */
  refresh(): void {
    const facts = this.#facts
    if (!facts) return
    const { clock, problems } = this.#options
    const silentAt = facts.since + reconnectMs
    const isSilent = !facts.connected && clock.now() >= silentAt
    const findings = [...(isSilent ? [this.#silent(facts)] : []), ...this.#refused(facts)]
    problems.set('global', {
      problems: findings.map(finding => problem({ ...finding, ...this.#about })),
      nextAt: !facts.connected && !isSilent ? silentAt : null,
    })
  }

  get #about(): Pick<Finding, 'subject' | 'link'> {
    const { zone } = this.#options
    return { subject: { kind: 'ControlPlane', kri: null, mesh: null, zone, name: 'global' }, link: '/dashboard/v1/summary' }
  }

  #silent({ url, since, lastError }: GlobalLinkFacts): Omit<Finding, 'subject' | 'link'> {
    const cause = `global at ${url} cannot be reached${lastError ? `: ${lastError}` : ''}`
    const fix = 'this zone goes on with what it has; check that global runs, the network to it, and the zone token'
    return { code: 'SKERRY_GLOBAL_SILENT', since, cause, fix }
  }

  #refused({ refused, connected, lastError, since }: GlobalLinkFacts): Omit<Finding, 'subject' | 'link'>[] {
    const found: Omit<Finding, 'subject' | 'link'>[] = []
    if (refused.length > 0) {
      const some = refused.slice(0, 3).map(({ name, reason }) => `${name}: ${reason}`)
      const cause = `this zone did not accept ${refused.length} resources of global: ${some.join('; ')}`
      found.push({ code: 'SKERRY_SYNC_REFUSED', since, cause, fix: 'mend them at global, or update this zone', part: 'down' })
    }
    if (connected && lastError) {
      const cause = `global did not accept resources of this zone: ${lastError}`
      found.push({
        code: 'SKERRY_SYNC_REFUSED',
        since,
        cause,
        fix: 'mend or delete them here; other zones do not see them until then',
        part: 'up',
      })
    }
    return found
  }

  #tell({ connected, url, lastError }: GlobalLinkFacts): void {
    const message = connected ? `connected to global at ${url}` : `not connected to global any more${lastError ? `: ${lastError}` : ''}`
    this.#options.events.add({ type: connected ? 'global.connected' : 'global.silent', ...this.#about, message })
  }
}

/** Without the heading that gRPC leaves where it has no note. */
function plain(reason: string | undefined): string | undefined {
  return reason?.replace(/\s*Resolution note:\s*$/, '').trim()
}
