import type { DataplaneFacts } from '../../derive/facts.ts'
import { engineOf } from '../../envoy/client-kind.ts'
import { kumaDpMetadata } from '../../envoy/kuma-dp-bootstrap.ts'
import { typeUrls } from '../../envoy/resources.ts'
import type { Node } from '../../gen/envoy/config/core/v3/base_pb.js'
import type { DataplaneClaims, StandardClaims } from '../../identity/token-claims.ts'
import { inboundName } from '../../model/kinds/dataplane.ts'
import type { LiveFacts } from '../../registry/live.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Clock, Timer } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import { connected, disconnected } from '../agent-facts.ts'
import type { AgentRefusal } from '../agent-hello.ts'
import { factsKey } from '../readiness-tracker.ts'
import { admitKumaDataplane } from './admit-dataplane.ts'
import { notAllowed } from './bootstrap-answer.ts'

interface Options {
  readonly registry: Registry
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly zone: string
  readonly instanceId: string
  readonly isAllowed: boolean
  readonly clock: Clock
  readonly log: Log
}

/** One that comes back may take so long to tell what it has, ms; until then it counts as it did. */
const returnWithinMs = 2000

/** Is it kuma-dp's Envoy that speaks? */
export function isKumaDp(node: Node): boolean {
  return typeof node.metadata?.[kumaDpMetadata.proxyType] === 'string'
}

/**
 * Proxies of Kuma's kuma-dp. They have no agent stream: an ADS stream is all that says that one is there, and what its Envoy accepts is all that
 * says how it does. Whether its application answers it does not tell.
 */
export class KumaDpMembers {
  readonly #options: Options
  readonly #members = new Map<string, Member>()

  constructor(options: Options) {
    this.#options = options
  }

  close(): void {
    for (const member of this.#members.values()) member.cancel()
  }

  /** An ADS stream of one opens: writes its Dataplane. Resolves with why it may not, or with who tells of it from now on. */
  async join(
    mesh: string,
    name: string,
    node: Node,
    claims: DataplaneClaims & Pick<StandardClaims, 'exp'>,
  ): Promise<{ readonly kind: 'joined'; readonly member: Member } | AgentRefusal> {
    const { registry, zone, clock, instanceId, facts, log, isAllowed } = this.#options
    if (!isAllowed) return { kind: 'refused', ...notAllowed }
    const text = node.metadata?.[kumaDpMetadata.dataplane]
    const verdict = admitKumaDataplane({ mesh, name, dataplaneResource: typeof text === 'string' ? text : '' }, claims, { zone, registry })
    if (verdict.kind === 'refused') return verdict
    const { draft } = verdict
    const key = factsKey(mesh, name)
    const isReturning = facts.get(key) === undefined && registry.get({ kind: 'Dataplane', mesh, name }) !== undefined
    const hello = { instanceId: `kuma-dp ${clock.now()}`, version: versionOf(node), engine: engineText(node), certificateNotAfterMs: 0n }
    const first: DataplaneFacts = {
      ...connected(hello, facts.get(key), { now: clock.now(), controlPlaneId: instanceId, tokenNotAfterMs: claims.exp * 1000 }),
      applications: new Map((draft.spec.networking.inbound ?? []).map(inbound => [inboundName(inbound), { ready: true, reason: '' }])),
    }
    this.#members.get(key)?.cancel()
    const member: Member = new Member(key, facts, first, clock, isReturning, () => {
      if (this.#members.get(key) === member) this.#members.delete(key)
    })
    this.#members.set(key, member)
    await registry.commit([{ kind: 'put', draft }])
    log.info('a kuma-dp joined', { mesh, proxy: name, engine: first.engine })
    return { kind: 'joined', member }
  }

  /** It has accepted a certificate. */
  certified(mesh: string, name: string, certificate: NonNullable<DataplaneFacts['certificate']>): void {
    this.#members.get(factsKey(mesh, name))?.update({ certificate })
  }
}

/** One kuma-dp, as long as its stream is open. */
export class Member {
  readonly #key: string
  readonly #facts: LiveFacts<string, DataplaneFacts>
  readonly #clock: Clock
  readonly #onLeft: () => void
  /** What it has told so far, of one that this control plane found in its store. */
  #pending: DataplaneFacts | null = null
  #timer: Timer | null = null
  #isOver = false

  constructor(
    key: string,
    facts: LiveFacts<string, DataplaneFacts>,
    first: DataplaneFacts,
    clock: Clock,
    isReturning: boolean,
    onLeft: () => void,
  ) {
    this.#key = key
    this.#facts = facts
    this.#clock = clock
    this.#onLeft = onLeft
    if (!isReturning) facts.set(key, first)
    else {
      this.#pending = first
      this.#timer = clock.setTimeout(() => this.#publish(), returnWithinMs)
    }
  }

  /** Its Envoy has these, and works by them; it binds a listener before it accepts it. */
  accepted(typeUrl: string, names: Iterable<string>): void {
    const held = [...names]
    if (held.length === 0) return
    if (typeUrl === typeUrls.secret) this.update({ trusts: true })
    if (typeUrl !== typeUrls.listener) return
    const current = this.#pending ?? this.#facts.get(this.#key)
    this.update({ bound: new Set([...(current?.bound ?? []), ...held]), acknowledged: current?.acknowledged ?? 1 })
  }

  update(change: Partial<DataplaneFacts>): void {
    if (this.#isOver) return
    if (this.#pending) {
      this.#pending = { ...this.#pending, ...change }
      if (this.#pending.acknowledged !== null && this.#pending.certificate !== null && this.#pending.trusts) this.#publish()
      return
    }
    this.#facts.update(this.#key, current => current && { ...current, ...change })
  }

  /** Its stream is over: it gets no more requests. */
  left(): void {
    if (this.#isOver) return
    this.#publish()
    this.cancel()
    this.#facts.update(this.#key, current => current && disconnected(current, this.#clock.now()))
    this.#onLeft()
  }

  /** Somebody else speaks for it now, or this control plane ends: it counts as it did. */
  cancel(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  #publish(): void {
    this.#timer?.cancel()
    if (this.#pending) this.#facts.set(this.#key, this.#pending)
    this.#pending = null
  }
}

function versionOf(node: Node): string {
  const version = node.metadata?.[kumaDpMetadata.version] as { kumaDp?: { version?: string } } | undefined
  return version?.kumaDp?.version ?? 'unknown'
}

function engineText(node: Node): string {
  return `kuma-dp ${versionOf(node)} ${engineOf(node)}`
}
