import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { DataplaneFacts } from '../derive/facts.ts'
import { type AgentMessage, type Bound, type CertificateRequest, type Hello, ZoneMessageSchema } from '../gen/skerry/agent/v1/agent_pb.js'
import { readCsr } from '../identity/csr.ts'
import type { TokenAuthority } from '../identity/token-authority.ts'
import type { DataplaneClaims, StandardClaims } from '../identity/token-claims.ts'
import { type Dataplane, inboundName, isAgentless, isZoneIngress } from '../model/kinds/dataplane.ts'
import { managedByLabel, managedByTerraform } from '../model/labels.ts'
import { agentlessOf } from '../policy/agentless.ts'
import type { LiveFacts } from '../registry/live.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { connected, disconnected } from './agent-facts.ts'
import { type AgentRefusal, admitHello, type DataplaneDraft } from './agent-hello.ts'
import { Lease, leaseMs } from './agent-lease.ts'
import type { Authorities } from './authorities.ts'
import { factsKey } from './readiness-tracker.ts'
import type { Reconciler } from './reconcile.ts'
import type { ZoneDoubts } from './zone-doubts.ts'

export interface AgentsOptions {
  readonly registry: Registry
  readonly reconciler: Reconciler
  readonly facts: LiveFacts<string, DataplaneFacts>
  readonly authorities: Authorities
  readonly doubts: ZoneDoubts
  readonly tokens: TokenAuthority
  readonly zone: string
  readonly instanceId: string
  readonly clock: Clock
  readonly log: Log
}

/** How long callers have to acknowledge that an instance drains. */
const drainAcknowledgedMs = 2000
/** How long a returning proxy may take to tell what it has, ms. It tells at once: this is for one that breaks off in between. */
const returnWithinMs = 1000

/** One agent stream. It speaks for its Dataplane from its accepted Hello until it ends, or until another stream does. */
export class AgentSession {
  readonly #options: AgentsOptions
  readonly #stream: MessageStream
  readonly #claims: DataplaneClaims & Pick<StandardClaims, 'exp'>
  readonly #sessions: Map<string, AgentSession>
  /** Refused, superseded, or at its end: what still comes is not heard. */
  readonly #over = new AbortController()
  /** null until Hello was accepted. */
  #key: { readonly mesh: string; readonly name: string } | null = null
  #instanceId = ''
  #isRegistered = false
  #isDraining = false
  #isSuperseded = false
  /** Of a workload without a proxy. */
  #lease: Lease | null = null
  /** The last certificate that was signed on this stream; null = none. */
  #certified: { readonly spiffeId: string; readonly root: string } | null = null
  /** Of a zone gateway: what was signed on this stream for workloads without a proxy, by the SPIFFE ID that was asked for. */
  readonly #workloads = new Map<string, { readonly spiffeId: string; readonly root: string }>()
  /** What a proxy that this control plane finds in its store has told so far: it counts as it was until it has told everything. */
  #returning: { facts: DataplaneFacts; readonly hasApplications: boolean; readonly hasListeners: boolean; readonly timer: Timer } | null =
    null

  constructor(
    options: AgentsOptions,
    stream: MessageStream,
    claims: DataplaneClaims & Pick<StandardClaims, 'exp'>,
    sessions: Map<string, AgentSession>,
  ) {
    this.#options = options
    this.#stream = stream
    this.#claims = claims
    this.#sessions = sessions
  }

  async receive({ message }: AgentMessage): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#lease?.renew()
    if (message.case === 'hello') return this.#hello(message.value)
    if (!this.#key) return this.#refuse('SKERRY_AGENT_NO_HELLO', 'the first message must be Hello', 'update the proxy')
    switch (message.case) {
      case 'certificateRequest':
        // Not awaited: the mesh's identity may come later, and health must not wait for it.
        return this.#inBackground('a certificate could not be signed', this.#onRequest(message.value))
      case 'health':
        return this.#update({ applications: new Map(message.value.inbounds.map(({ name, ready, reason }) => [name, { ready, reason }])) })
      case 'bound':
        return this.#bound(message.value)
      case 'reached':
        return this.#options.doubts.told(this.#key.mesh, this.#key.name, message.value.addresses)
      case 'draining':
        // Not awaited: a stream that breaks meanwhile must be noticed.
        return this.#inBackground('a proxy could not be drained', this.#drain())
    }
  }

  /** `left`: the proxy went away. `closing`: this control plane does, and the proxy counts as before. */
  async end(why: 'left' | 'closing'): Promise<void> {
    if (!this.#isSuperseded) this.#returned()
    this.#returning?.timer.cancel()
    this.#lease?.end()
    this.#over.abort()
    if (!this.#key) return
    const { mesh, name } = this.#key
    const id = factsKey(mesh, name)
    if (this.#sessions.get(id) !== this) return
    this.#sessions.delete(id)
    this.#options.doubts.told(mesh, name, null)
    const { facts, clock, registry, log } = this.#options
    const key = { kind: 'Dataplane', mesh, name }
    if (why === 'left') {
      facts.update(id, current => current && disconnected(current, clock.now()))
      if (!registry.get(key)) facts.delete(id)
      log.info('a proxy left', { mesh, proxy: name, orderly: this.#isDraining })
    }
    // One that said goodbye is gone; one that broke off may come back, and is shown as offline meanwhile.
    if (this.#isDraining)
      await registry
        .commit([{ kind: 'delete', key }])
        .catch(error => log.error('a proxy that left could not be removed', { mesh, proxy: name, error }))
  }

  /** Another stream came for the same Dataplane: this one is over, without touching its facts. */
  supersede(instanceId: string): void {
    this.#isSuperseded = true
    this.#over.abort()
    if (instanceId === this.#instanceId) this.#stream.end({ code: 'ABORTED', message: 'the same process connected again' })
    else {
      const reason = 'another process has registered under this name'
      refuse(this.#stream, { kind: 'refused', code: 'SKERRY_REPLACED', reason, fix: 'give each proxy a --name of its own' })
    }
  }

  /** Somebody deleted the Dataplane of a proxy that is there: it registers again, or nobody would know of it. */
  deleted(): void {
    if (this.#isRegistered) this.#stream.end({ code: 'UNAVAILABLE', message: 'the Dataplane was deleted: connect again to register it' })
  }

  /** Asks for another certificate when another root signs now, or in another name. One of an earlier process counts as the old root's. */
  renewIfOutdated(): void {
    if (!this.#key) return
    const { registry, authorities } = this.#options
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', ...this.#key })
    const authority = dataplane && authorities.authorityFor(dataplane)
    if (!authority) return
    const isOutdated = this.#certified
      ? this.#certified.spiffeId !== authority.spiffeId || this.#certified.root !== authority.ca.fingerprint
      : authority.isRotating && this.#facts?.certificate?.root === ''
    if (isOutdated || this.#hasOutdatedWorkload()) this.#send({ case: 'renew', value: {} })
  }

  #hasOutdatedWorkload(): boolean {
    const { authorities, reconciler } = this.#options
    if (this.#workloads.size === 0) return false
    const agentless = agentlessOf(reconciler.view(this.#key!.mesh))
    return [...this.#workloads].some(([spiffeId, held]) => {
      const workload = agentless.withIdentity(spiffeId)
      const authority = workload && authorities.authorityFor(workload)
      return authority ? held.spiffeId !== authority.spiffeId || held.root !== authority.ca.fingerprint : false
    })
  }

  /** A zone gateway is told where those of other zones are: it sees whether they can be reached. */
  watchOthers(mesh: string): void {
    if (!this.#isRegistered || this.#key?.mesh !== mesh) return
    const dataplane = this.#options.registry.get<Dataplane>({ kind: 'Dataplane', ...this.#key })
    if (dataplane && isZoneIngress(dataplane.spec)) this.#send({ case: 'watch', value: { addresses: this.#options.doubts.targets(mesh) } })
  }

  async #hello(hello: Hello): Promise<void> {
    if (this.#key) return this.#refuse('SKERRY_AGENT_SECOND_HELLO', 'Hello comes once on a stream', 'update the proxy')
    const { registry, zone, clock, log, authorities } = this.#options
    const verdict = admitHello(hello, this.#claims, {
      zone,
      hasMesh: mesh => registry.get({ kind: 'Mesh', mesh: '', name: mesh }) !== undefined,
    })
    if (verdict.kind === 'refused') return this.#refuse(verdict.code, verdict.reason, verdict.fix)
    const { draft } = verdict
    const { mesh, name } = draft
    if (isTerraforms(registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })))
      return this.#refuse(
        'SKERRY_NAME_TAKEN',
        `Dataplane '${name}' belongs to Terraform`,
        'give this one another --name, or remove its skerry_workload',
      )
    const id = factsKey(mesh, name)
    const earlier = this.#sessions.get(id)
    this.#key = { mesh, name }
    this.#instanceId = hello.instanceId
    this.#sessions.set(id, this)
    earlier?.supersede(hello.instanceId)
    this.#takeFacts(id, draft, hello, clock.now())
    if (isAgentless(draft)) this.#lease = new Lease(clock, () => this.#ran())
    await registry.commit([
      { kind: 'put', draft: isAgentless(draft) ? asItWas(draft, registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })) : draft },
    ])
    if (this.#over.signal.aborted) return
    this.#isRegistered = true
    const dataplane = registry.get<Dataplane>({ kind: 'Dataplane', mesh, name })
    const spiffeId = (dataplane && authorities.authorityFor(dataplane)?.spiffeId) ?? ''
    this.#send({ case: 'registered', value: { mesh, name, zone, spiffeId } })
    this.renewIfOutdated()
    this.watchOthers(mesh)
    log.info('a proxy joined', { mesh, proxy: name, peer: this.#stream.peer, engine: hello.engine })
  }

  #takeFacts(id: string, draft: DataplaneDraft, hello: Hello, now: number): void {
    const { facts, registry, clock, instanceId } = this.#options
    const known = facts.get(id)
    const next = connected(hello, known, { now, controlPlaneId: instanceId, tokenNotAfterMs: this.#claims.exp * 1000 })
    const hasServed = next.certificate !== null || isAgentless(draft)
    const isReturning = known === undefined && hasServed && registry.get({ kind: 'Dataplane', ...this.#key! }) !== undefined
    if (!isReturning) {
      facts.set(id, next)
      return
    }
    const hasApplications = (draft.spec.networking.inbound ?? []).some(inbound => inbound.serviceProbe?.disabled !== true)
    this.#returning = {
      facts: next,
      hasApplications,
      hasListeners: !isAgentless(draft),
      timer: clock.setTimeout(() => this.#returned(), returnWithinMs),
    }
  }

  /** A returning proxy has told everything, or took too long: from now on its facts count. */
  #returned(): void {
    if (!this.#returning || !this.#key) return
    const { facts, timer } = this.#returning
    timer.cancel()
    this.#returning = null
    this.#options.facts.set(factsKey(this.#key.mesh, this.#key.name), facts)
  }

  #onRequest({ csr, spiffeId }: CertificateRequest): Promise<void> {
    return spiffeId === '' ? this.#certify(csr) : this.#certifyWorkload(csr, spiffeId)
  }

  /** In the name of a workload without a proxy: only for a zone gateway, and only of its own mesh and zone. */
  async #certifyWorkload(csr: Uint8Array, spiffeId: string): Promise<void> {
    const { authorities, registry, reconciler, log } = this.#options
    const { mesh, name } = this.#key!
    const refuseIt = (code: string, message: string) => {
      log.warn('a certificate was refused', { mesh, proxy: name, spiffeId, code, reason: message })
      this.#send({ case: 'certificateRefused', value: { spiffeId, code, message } })
    }
    const own = registry.get<Dataplane>({ kind: 'Dataplane', ...this.#key! })
    // A token that is not for gateways opened no such stream; but who may write Dataplanes could have made this one a gateway since.
    if (this.#claims.type !== 'ingress' || !own || !isZoneIngress(own.spec))
      return refuseIt('SKERRY_IDENTITY_NOT_YOURS', 'only a zone gateway gets certificates of workloads other than its own')
    const verdict = readCsr(csr)
    if (verdict.kind !== 'ok') return refuseIt('SKERRY_CSR_REFUSED', verdict.reason)
    const workload = () => agentlessOf(reconciler.view(mesh)).withIdentity(spiffeId)
    if (!workload()) return refuseIt('SKERRY_WORKLOAD_UNKNOWN', `no workload without a proxy has the identity ${spiffeId} here`)
    const authority = await authorities.awaitAuthority(workload, this.#over.signal)
    if (!authority) return
    const issued = await authority.ca.issue(authority.spiffeId, verdict.publicKey)
    if (this.#over.signal.aborted) return
    const { chainPem } = issued
    this.#send({
      case: 'certificate',
      value: { chainPem, notAfterMs: BigInt(issued.notAfterMs), renewAtMs: BigInt(issued.renewAtMs), spiffeId },
    })
    this.#workloads.set(spiffeId, { spiffeId: authority.spiffeId, root: authority.ca.fingerprint })
    const roots = this.#workloadRoots()
    const known = this.#facts?.workloadRoots
    if (known?.size !== roots.size || [...roots].some(root => !known.has(root))) this.#update({ workloadRoots: roots })
  }

  /** Of what is held for workloads that are still there. */
  #workloadRoots(): Set<string> {
    const agentless = agentlessOf(this.#options.reconciler.view(this.#key!.mesh))
    for (const spiffeId of this.#workloads.keys()) if (!agentless.withIdentity(spiffeId)) this.#workloads.delete(spiffeId)
    return new Set([...this.#workloads.values()].map(({ root }) => root))
  }

  /** Nothing was heard of the machine for too long: whatever there is of the connection leads nowhere. */
  #ran(): void {
    const { mesh, name } = this.#key!
    const reason = `the agent has not renewed its registration for ${leaseMs / 1000} s`
    this.#options.log.warn('a registration ran out', { mesh, proxy: name, peer: this.#stream.peer, reason })
    this.#stream.end({ code: 'DEADLINE_EXCEEDED', message: reason })
    // Out of rotation now: the end of a dead connection may take its time.
    this.#inBackground('a registration that ran out could not be ended', this.end('left'))
  }

  async #certify(csr: Uint8Array): Promise<void> {
    const { authorities, registry, clock } = this.#options
    const key = { kind: 'Dataplane', ...this.#key! }
    const verdict = readCsr(csr)
    if (verdict.kind !== 'ok') return this.#refuse('SKERRY_CSR_REFUSED', verdict.reason, 'update the proxy')
    const authority = await authorities.awaitAuthority(() => registry.get<Dataplane>(key), this.#over.signal)
    if (!authority) return
    const issued = await authority.ca.issue(authority.spiffeId, verdict.publicKey)
    if (this.#over.signal.aborted) return
    const root = authority.ca.fingerprint
    this.#certified = { spiffeId: authority.spiffeId, root }
    this.#send({
      case: 'certificate',
      value: { chainPem: issued.chainPem, notAfterMs: BigInt(issued.notAfterMs), renewAtMs: BigInt(issued.renewAtMs) },
    })
    const issuedBefore = this.#facts?.certificate?.issued ?? 0
    this.#update({
      certificate: {
        issuedAtMs: clock.now(),
        notAfterMs: issued.notAfterMs,
        issuer: authority.identity,
        root,
        issued: issuedBefore + 1,
      },
    })
    // Another root may have taken over while this one signed.
    this.renewIfOutdated()
  }

  /** What listens was accepted, be it from another process of this control plane. */
  #bound({ listeners, failures }: Bound): void {
    this.#update({
      acknowledged: this.#facts?.acknowledged ?? (listeners.length > 0 ? 1 : null),
      trusts: this.#facts?.trusts || listeners.length > 0,
      bound: new Set(listeners),
      bindFailures: new Map(failures.map(({ listener, reason }) => [listener, reason])),
    })
  }

  async #drain(): Promise<void> {
    const { mesh, name } = this.#key!
    this.#isDraining = true
    this.#returned()
    this.#update({ draining: true })
    await this.#options.reconciler.callersKnow(mesh, name, drainAcknowledgedMs)
    this.#send({ case: 'drained', value: {} })
  }

  get #facts(): DataplaneFacts | undefined {
    return this.#returning?.facts ?? this.#options.facts.get(factsKey(this.#key!.mesh, this.#key!.name))
  }

  #update(change: Partial<DataplaneFacts>): void {
    if (this.#over.signal.aborted) return
    if (this.#returning) {
      const facts = { ...this.#returning.facts, ...change }
      this.#returning.facts = facts
      const { hasApplications, hasListeners } = this.#returning
      if ((facts.bound.size > 0 || !hasListeners) && (facts.applications.size > 0 || !hasApplications)) this.#returned()
      return
    }
    this.#options.facts.update(factsKey(this.#key!.mesh, this.#key!.name), current => current && { ...current, ...change })
  }

  #send(message: MessageInitShape<typeof ZoneMessageSchema>['message']): void {
    this.#stream.send(toBinary(ZoneMessageSchema, create(ZoneMessageSchema, { message })))
  }

  #refuse(code: string, reason: string, fix: string): void {
    this.#options.log.warn('a proxy was refused', { peer: this.#stream.peer, code, reason })
    this.#over.abort()
    refuse(this.#stream, { kind: 'refused', code, reason, fix })
  }

  #inBackground(failure: string, work: Promise<void>): void {
    work.catch(error => this.#options.log.error(failure, { mesh: this.#key?.mesh, proxy: this.#key?.name, error }))
  }
}

/** What Terraform made is as its configuration says: an agent would write over it, and take it away with itself. */
function isTerraforms(existing: Dataplane | undefined): boolean {
  return existing?.labels[managedByLabel] === managedByTerraform
}

/** A workload without a proxy that registers is in the state that it was in, or in none, until its agent has told of its checks. */
function asItWas(draft: DataplaneDraft, before: Dataplane | undefined): DataplaneDraft {
  const { networking } = draft.spec
  const known = new Map((before?.spec.networking.inbound ?? []).map(it => [inboundName(it), it.state]))
  const inbound = (networking.inbound ?? []).map(it => ({ ...it, state: known.get(inboundName(it)) ?? ('NotReady' as const) }))
  return { ...draft, spec: { ...draft.spec, networking: { ...networking, inbound } } }
}

export function refuse(stream: MessageStream, { code, reason, fix }: AgentRefusal): void {
  const refused = { case: 'refused', value: { code, message: reason, fix } } as const
  stream.send(toBinary(ZoneMessageSchema, create(ZoneMessageSchema, { message: refused })))
  stream.end({ code: 'PERMISSION_DENIED', message: `${code}: ${reason}` })
}
