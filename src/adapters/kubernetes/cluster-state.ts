import type { Labels, NodeFacts, PodFacts, ServiceFacts, SliceEndpoint, SliceFacts } from './cluster-objects.ts'
import type { ImportFacts } from './mcs/mcs-objects.ts'
import type { ImportView } from './mcs/translate-import.ts'
import type { ObjectFacts } from './object-facts.ts'
import type { ObjectEvent } from './reflector.ts'

/** An endpoint as one slice has it: the same pod is in several, one for each address family and, while they are rewritten, in two of one. */
export interface Member {
  readonly slice: SliceFacts
  readonly endpoint: SliceEndpoint
}

/** All that there is to say of one pod as an instance of one service. */
export interface Instance {
  readonly id: string
  /** Undefined: slices without a Service. */
  readonly service: ServiceFacts | undefined
  readonly serviceKey: string
  /** There is a ServiceExport of its Service. */
  readonly isExported: boolean
  /** Not empty. */
  readonly members: readonly Member[]
  /** Undefined: an endpoint that is no pod. */
  readonly pod: PodFacts | undefined
  readonly node: NodeFacts | undefined
}

export type View =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'alias'; readonly id: string; readonly service: ServiceFacts }
  | { readonly kind: 'unselected'; readonly id: string; readonly pod: PodFacts }
  | ({ readonly kind: 'import' } & ImportView)

export type ClusterEvent =
  | { readonly of: 'pod'; readonly event: ObjectEvent<PodFacts> }
  | { readonly of: 'slice'; readonly event: ObjectEvent<SliceFacts> }
  | { readonly of: 'service'; readonly event: ObjectEvent<ServiceFacts> }
  | { readonly of: 'node'; readonly event: ObjectEvent<NodeFacts> }
  | { readonly of: 'export'; readonly event: ObjectEvent<ObjectFacts> }
  | { readonly of: 'import'; readonly event: ObjectEvent<ImportFacts> }

/** What the id of a ServiceImport begins with: no uid and no address has it. */
const importPrefix = 'import:'

/** Is it of a ServiceImport, and so of no Service's slices? */
export function isImportId(id: string): boolean {
  return id.startsWith(importPrefix)
}

/**
 * Pods, EndpointSlices, Services and Nodes put together: which pod is an instance of which service. A change tells which ids it touches, and
 * costs what those cost: in a service of a thousand pods, a slice that changes in one of them is one instance to look at.
 *
 * Ids: `<uid of the pod>@<namespace>/<service>`, `<address>@<namespace>/<service>` for what is no pod, `@<namespace>/<service>` for an alias,
 * `<uid of the pod>@` for a pod that is in no service, and `import:<namespace>/<service>` for a ServiceImport.
 */
export class ClusterState {
  readonly #pods = new Map<string, PodFacts>()
  readonly #nodes = new Map<string, NodeFacts>()
  readonly #services = new Map<string, ServiceFacts>()
  /** By service, then by uid of the pod or by address. */
  readonly #members = new Map<string, Map<string, Member[]>>()
  /** ServiceExports, by the key that is also their Service's: uids. */
  readonly #exports = new Map<string, string>()
  readonly #imports = new Map<string, ImportFacts>()
  /** By uid of the pod. */
  readonly #servicesOf = new Map<string, string[]>()
  readonly #labels = new Map<string, Labels>()

  /** For the projections of this state. */
  readonly intern = (labels: Labels): Labels => {
    const key = JSON.stringify(labels)
    const known = this.#labels.get(key)
    if (known) return known
    this.#labels.set(key, labels)
    return labels
  }

  /** Takes in a change; `touched` gets the ids of which something else may be true now. */
  apply({ of, event }: ClusterEvent, touched: Set<string>): void {
    switch (of) {
      case 'pod':
        this.#pod(event, touched)
        break
      case 'slice':
        this.#slice(event, touched)
        break
      case 'service':
        this.#service(event, touched)
        break
      case 'node':
        this.#node(event, touched)
        break
      case 'export':
        this.#export(event, touched)
        break
      case 'import':
        this.#import(event, touched)
        break
    }
  }

  /** Every id there is. */
  *ids(): Generator<string> {
    for (const [service, members] of this.#members) for (const member of members.keys()) yield `${member}@${service}`
    for (const [key, { externalName }] of this.#services) if (externalName !== '') yield `@${key}`
    for (const uid of this.#pods.keys()) if (!this.#servicesOf.has(uid)) yield `${uid}@`
    for (const key of this.#imports.keys()) yield `${importPrefix}${key}`
  }

  /** What is true of an id; undefined: nothing any more, or nothing yet, because its pod has not been seen. */
  view(id: string): View | undefined {
    if (isImportId(id)) {
      const key = id.slice(importPrefix.length)
      const imported = this.#imports.get(key)
      return imported && { kind: 'import', id, imported, hasService: this.#services.has(key) }
    }
    const at = id.indexOf('@')
    const [subject, serviceKey] = [id.slice(0, at), id.slice(at + 1)]
    if (subject === '') {
      const service = this.#services.get(serviceKey)
      return service && service.externalName !== '' ? { kind: 'alias', id, service } : undefined
    }
    const pod = this.#pods.get(subject)
    if (serviceKey === '') return pod && !this.#servicesOf.has(subject) ? { kind: 'unselected', id, pod } : undefined
    const members = this.#members.get(serviceKey)?.get(subject)
    if (!members) return undefined
    const { endpoint } = members[0]!
    if (endpoint.podUid !== '' && !pod) return undefined
    const node = this.#nodes.get(pod?.node || endpoint.node)
    const service = this.#services.get(serviceKey)
    return { kind: 'instance', instance: { id, service, serviceKey, isExported: this.#exports.has(serviceKey), members, pod, node } }
  }

  /** How many pods are known. */
  get pods(): number {
    return this.#pods.size
  }

  #pod({ kind, object }: ObjectEvent<PodFacts>, touched: Set<string>): void {
    const { uid } = object
    if (kind === 'put') this.#pods.set(uid, object)
    else this.#pods.delete(uid)
    const services = this.#servicesOf.get(uid)
    if (services) for (const service of services) touched.add(`${uid}@${service}`)
    else touched.add(`${uid}@`)
  }

  #slice({ kind, object, ...event }: ObjectEvent<SliceFacts>, touched: Set<string>): void {
    const before = 'before' in event ? event.before : object
    if (before) this.#removeSlice(before, touched)
    if (kind === 'put') this.#addSlice(object, touched)
  }

  #addSlice(slice: SliceFacts, touched: Set<string>): void {
    const { service } = slice
    if (service === '') return
    const members = this.#members.get(service) ?? new Map<string, Member[]>()
    this.#members.set(service, members)
    for (const endpoint of slice.endpoints) {
      const key = memberKey(endpoint)
      if (key === '') continue
      const known = members.get(key)
      if (known) known.push({ slice, endpoint })
      else {
        members.set(key, [{ slice, endpoint }])
        if (endpoint.podUid !== '') this.#join(endpoint.podUid, service, touched)
      }
      touched.add(`${key}@${service}`)
    }
  }

  #removeSlice(slice: SliceFacts, touched: Set<string>): void {
    const { service } = slice
    const members = this.#members.get(service)
    if (!members) return
    for (const endpoint of slice.endpoints) {
      const key = memberKey(endpoint)
      const known = members.get(key)
      if (!known) continue
      touched.add(`${key}@${service}`)
      const rest = known.filter(member => member.slice.uid !== slice.uid)
      if (rest.length > 0) members.set(key, rest)
      else {
        members.delete(key)
        if (endpoint.podUid !== '') this.#part(endpoint.podUid, service, touched)
      }
    }
    if (members.size === 0) this.#members.delete(service)
  }

  #join(uid: string, service: string, touched: Set<string>): void {
    const services = this.#servicesOf.get(uid)
    if (services) services.push(service)
    else {
      this.#servicesOf.set(uid, [service])
      touched.add(`${uid}@`)
    }
  }

  #part(uid: string, service: string, touched: Set<string>): void {
    const rest = (this.#servicesOf.get(uid) ?? []).filter(it => it !== service)
    if (rest.length > 0) this.#servicesOf.set(uid, rest)
    else {
      this.#servicesOf.delete(uid)
      touched.add(`${uid}@`)
    }
  }

  #service({ kind, object }: ObjectEvent<ServiceFacts>, touched: Set<string>): void {
    if (kind === 'put') this.#services.set(object.key, object)
    else if (this.#services.get(object.key)?.uid === object.uid) this.#services.delete(object.key)
    this.#touchMembers(object.key, touched)
    touched.add(`@${object.key}`)
    if (this.#imports.has(object.key)) touched.add(`${importPrefix}${object.key}`)
  }

  #export({ kind, object }: ObjectEvent<ObjectFacts>, touched: Set<string>): void {
    const { key, uid } = object
    const wasExported = this.#exports.has(key)
    if (kind === 'put') this.#exports.set(key, uid)
    else if (this.#exports.get(key) === uid) this.#exports.delete(key)
    // Its controller writes a status into it again and again, which is of no interest.
    if (wasExported !== this.#exports.has(key)) this.#touchMembers(key, touched)
  }

  #import({ kind, object }: ObjectEvent<ImportFacts>, touched: Set<string>): void {
    if (kind === 'put') this.#imports.set(object.key, object)
    else if (this.#imports.get(object.key)?.uid === object.uid) this.#imports.delete(object.key)
    touched.add(`${importPrefix}${object.key}`)
  }

  #touchMembers(service: string, touched: Set<string>): void {
    for (const member of this.#members.get(service)?.keys() ?? []) touched.add(`${member}@${service}`)
  }

  #node({ kind, object, ...event }: ObjectEvent<NodeFacts>, touched: Set<string>): void {
    const before = 'before' in event ? event.before : undefined
    if (kind === 'put') this.#nodes.set(object.name, object)
    else this.#nodes.delete(object.name)
    // Its heartbeat is of no interest, and comes every few minutes from every node.
    if (before && before.zone === object.zone && before.region === object.region && before.providerId === object.providerId) return
    for (const [uid, pod] of this.#pods)
      if (pod.node === object.name) for (const service of this.#servicesOf.get(uid) ?? []) touched.add(`${uid}@${service}`)
  }
}

function memberKey({ podUid, addresses }: SliceEndpoint): string {
  return podUid || (addresses[0] ?? '')
}
