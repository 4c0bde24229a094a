import { factsOf, type ObjectFacts, type RawObject } from './object-facts.ts'

/** What is kept of the objects that discovery reads: the rest is 90 % of their size. */

export type Labels = Readonly<Record<string, string>>
/** Gives the same object for the same labels: thousands of pods of a Deployment have them in common. */
export type Intern = (labels: Labels) => Labels

export interface PodFacts extends ObjectFacts {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  readonly node: string
  /** Its addresses, the first of them before all others. */
  readonly addresses: readonly string[]
  readonly phase: string
  readonly isReady: boolean
  /** Since it was made it has not been ready, and nothing of it has been started again. */
  readonly isStarting: boolean
  readonly isDeleting: boolean
  readonly hasSidecar: boolean
  /** Why it is not ready, in the cluster's words. */
  readonly reason: string
}

export interface SliceFacts extends ObjectFacts {
  /** `namespace/name` of the Service that it belongs to; '' = of none. */
  readonly service: string
  readonly ports: readonly SlicePort[]
  readonly endpoints: readonly SliceEndpoint[]
}

export interface SlicePort {
  /** '' where the Service has one port without a name. */
  readonly name: string
  readonly port: number
  readonly appProtocol: string
}

export interface SliceEndpoint {
  readonly addresses: readonly string[]
  readonly isReady: boolean
  readonly isServing: boolean
  readonly isTerminating: boolean
  /** '' = no pod. */
  readonly podUid: string
  readonly node: string
  readonly zone: string
}

export interface ServiceFacts extends ObjectFacts {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  /** `app.kubernetes.io/…` and the like are labels; of annotations only ours count. */
  readonly annotations: Labels
  readonly isHeadless: boolean
  readonly publishesNotReady: boolean
  /** An alias of another name; '' = none. */
  readonly externalName: string
  /** What a controller of multi-cluster services made so that the cluster can call a ServiceImport: that one's name; '' = it is a Service of its own. */
  readonly standsForImport: string
  readonly ports: readonly SlicePort[]
}

export interface NodeFacts extends ObjectFacts {
  readonly name: string
  readonly zone: string
  readonly region: string
  /** As `aws:///eu-central-1a/i-0abc`. */
  readonly providerId: string
}

interface RawCondition {
  readonly type?: string
  readonly status?: string
  readonly message?: string
}
interface RawContainerStatus {
  readonly started?: boolean
  readonly restartCount?: number
  readonly state?: { readonly waiting?: { readonly reason?: string } }
}
interface RawPod extends RawObject {
  readonly spec?: {
    readonly nodeName?: string
    readonly containers?: readonly { readonly name?: string }[]
    readonly initContainers?: readonly { readonly name?: string; readonly restartPolicy?: string }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip?: string }[]
    readonly conditions?: readonly RawCondition[]
    readonly containerStatuses?: readonly RawContainerStatus[]
  }
}

/** The container that injection adds; a pod that has it by other ways is its own proxy all the same. */
export const sidecarContainer = 'skerry-proxy'

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ */
export function podFacts(raw: RawPod, intern: Intern): PodFacts {
  const { metadata, spec, status } = raw
  const ips = status?.podIPs?.map(it => it.ip ?? '') ?? []
  const ready = status?.conditions?.find(it => it.type === 'Ready')
  const containers = status?.containerStatuses ?? []
  const waiting = containers.map(it => it.state?.waiting?.reason ?? '').filter(reason => reason !== '')
  const sidecars = spec?.initContainers?.filter(it => it.restartPolicy === 'Always') ?? []
  const isReady = ready?.status === 'True'
  const phase = status?.phase ?? 'Unknown'
  return {
    ...factsOf(raw),
    labels: intern(metadata?.labels ?? {}),
    node: spec?.nodeName ?? '',
    addresses: (ips.length > 0 ? ips : [status?.podIP ?? '']).filter(ip => ip !== ''),
    phase,
    isReady,
    isStarting: phase === 'Pending' || containers.some(it => it.started === false && (it.restartCount ?? 0) === 0),
    isDeleting: metadata?.deletionTimestamp !== undefined,
    hasSidecar: [...(spec?.containers ?? []), ...sidecars].some(it => it.name === sidecarContainer),
    reason: isReady ? '' : [waiting.join(', '), ready?.message ?? ''].filter(part => part !== '').join(': '),
  }
}

interface RawSlice extends RawObject {
  readonly endpoints?:
    | readonly {
        readonly addresses?: readonly string[]
        readonly conditions?: { readonly ready?: boolean | null; readonly serving?: boolean | null; readonly terminating?: boolean | null }
        readonly targetRef?: { readonly kind?: string; readonly uid?: string }
        readonly nodeName?: string
        readonly zone?: string
      }[]
    | null
  readonly ports?: readonly RawPort[] | null
}
export interface RawPort {
  readonly name?: string
  readonly port?: number
  readonly protocol?: string
  readonly appProtocol?: string
}

/** https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions */
export function sliceFacts(raw: RawSlice): SliceFacts {
  const facts = factsOf(raw)
  const service = raw.metadata?.labels?.['kubernetes.io/service-name']
  return {
    uid: facts.uid,
    key: facts.key,
    service: service === undefined ? '' : `${facts.namespace}/${service}`,
    ports: portsOf(raw.ports ?? []),
    endpoints: (raw.endpoints ?? []).map(({ addresses = [], conditions = {}, targetRef, nodeName = '', zone = '' }) => {
      // What is not said is yes: an endpoint of which nobody knows better is to be used.
      const isReady = conditions.ready ?? true
      return {
        addresses,
        isReady,
        isServing: conditions.serving ?? isReady,
        isTerminating: conditions.terminating ?? false,
        podUid: targetRef?.kind === 'Pod' ? (targetRef.uid ?? '') : '',
        node: nodeName,
        zone,
      }
    }),
  }
}

interface RawService extends RawObject {
  readonly spec?: {
    readonly type?: string
    readonly clusterIP?: string
    readonly externalName?: string
    readonly publishNotReadyAddresses?: boolean
    readonly ports?: readonly RawPort[]
  }
}

export function serviceFacts(raw: RawService, intern: Intern): ServiceFacts {
  const { metadata, spec } = raw
  const own = Object.entries(metadata?.annotations ?? {}).filter(([name]) => name.startsWith('skerry.io/'))
  return {
    ...factsOf(raw),
    labels: intern(metadata?.labels ?? {}),
    annotations: Object.fromEntries(own),
    isHeadless: spec?.clusterIP === 'None',
    publishesNotReady: spec?.publishNotReadyAddresses ?? false,
    standsForImport: metadata?.ownerReferences?.find(it => it.kind === 'ServiceImport')?.name ?? '',
    externalName: spec?.type === 'ExternalName' ? (spec.externalName ?? '') : '',
    ports: portsOf(spec?.ports ?? []),
  }
}

export function nodeFacts(raw: RawObject & { readonly spec?: { readonly providerID?: string } }): NodeFacts {
  const { uid, key, name } = factsOf(raw)
  const labels = raw.metadata?.labels ?? {}
  return {
    uid,
    key,
    name,
    zone: labels['topology.kubernetes.io/zone'] ?? '',
    region: labels['topology.kubernetes.io/region'] ?? '',
    providerId: raw.spec?.providerID ?? '',
  }
}

/** The mesh carries TCP: what goes over UDP or SCTP is no port of it. */
export function portsOf(ports: readonly RawPort[]): SlicePort[] {
  return ports
    .filter(it => (it.protocol ?? 'TCP') === 'TCP' && it.port !== undefined)
    .map(it => ({ name: it.name ?? '', port: it.port!, appProtocol: it.appProtocol ?? '' }))
}
