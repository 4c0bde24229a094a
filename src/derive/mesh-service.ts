import { computedLabels } from '../model/compute-labels.ts'
import { applicationPort, type Dataplane, type Inbound, inboundName } from '../model/kinds/dataplane.ts'
import {
  type MeshService,
  type MeshServicePort,
  type MeshServiceSpec,
  type MeshServiceStatus,
  portName,
} from '../model/kinds/mesh-service.ts'
import { exportedLabel, managedByLabel, managedBySkerry, originLabel, workloadLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { sameContent } from './same-content.ts'

export type MeshServiceDraft = ResourceDraft<MeshServiceSpec, MeshServiceStatus>

export interface MeshServiceInput {
  readonly mesh: string
  readonly zone: string
  /** Of this mesh and zone. */
  readonly dataplanes: readonly Dataplane[]
  /** Of this mesh; those of other zones are not touched. */
  readonly existing: readonly MeshService[]
  /** As what its proxy may present itself; none: it has no identity. */
  readonly spiffeIdsOf: (dataplane: Dataplane) => readonly string[]
  readonly stateOf: (service: string, dataplanes: readonly Dataplane[]) => 'Available' | 'Unavailable'
}

export interface DerivedMeshServices {
  /** Every service that follows from the Dataplanes, and those whose last Dataplane is gone. */
  readonly services: readonly MeshServiceDraft[]
  /** The ones of them that have to be written. */
  readonly changed: readonly MeshServiceDraft[]
  /** What could not be served as its Dataplane asks. */
  readonly conflicts: readonly ServiceConflict[]
}

export interface ServiceConflict {
  readonly service: string
  readonly dataplane: string
  readonly reason: string
}

/** One MeshService for each `kuma.io/workload` among the Dataplanes with inbounds. What a user wrote under that name stays as it is. */
export function deriveMeshServices(input: MeshServiceInput): DerivedMeshServices {
  const local = input.existing.filter(service => service.labels[originLabel] !== 'global')
  const byName = new Map(local.map(service => [service.name, service]))
  const services: MeshServiceDraft[] = []
  const conflicts: ServiceConflict[] = []
  const workloads = byWorkload(input.dataplanes)
  for (const [workload, dataplanes] of workloads) {
    const existing = byName.get(workload)
    if (existing !== undefined && !isManaged(existing)) continue
    const { ports, conflicts: found } = mergePorts(workload, dataplanes, existing?.spec.ports ?? [])
    conflicts.push(...found)
    const spec: MeshServiceSpec = {
      state: input.stateOf(workload, dataplanes),
      selector: { dataplaneLabels: { matchLabels: { [workloadLabel]: workload } } },
      ports,
      identities: identitiesOf(dataplanes, input.spiffeIdsOf),
    }
    services.push(draftOf(input, workload, spec, existing, dataplanes.every(isExported)))
  }
  const orphans = local.filter(service => isManaged(service) && !workloads.has(service.name))
  services.push(...orphans.map(it => draftOf(input, it.name, { ...it.spec, state: 'Unavailable' }, it, isExported(it))))
  return {
    services,
    changed: services.filter(draft => !sameContent(byName.get(draft.name), draft)),
    conflicts,
  }
}

/** Made here, and so ours to change and delete? */
export function isManaged(resource: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return resource.labels[managedByLabel] === managedBySkerry
}

/** May other clusters call it? A service may when all of its instances may: one that is not exported must not be called in passing. */
function isExported(resource: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return resource.labels[exportedLabel] === 'true'
}

/** Dataplanes with something to offer, by workload; the oldest first, names decide between equals. */
function byWorkload(dataplanes: readonly Dataplane[]): Map<string, Dataplane[]> {
  const workloads = new Map<string, Dataplane[]>()
  const sorted = dataplanes.toSorted((a, b) => compare(a.creationTime, b.creationTime) || compare(a.name, b.name))
  for (const dataplane of sorted) {
    const workload = dataplane.labels[workloadLabel]
    if (workload === undefined || offered(dataplane).length === 0) continue
    const instances = workloads.get(workload)
    if (instances === undefined) workloads.set(workload, [dataplane])
    else instances.push(dataplane)
  }
  return new Map([...workloads].sort(([a], [b]) => compare(a, b)))
}

function offered(dataplane: Dataplane): Inbound[] {
  return (dataplane.spec.networking.inbound ?? []).filter(inbound => inbound.state !== 'Ignored')
}

/** One port for each inbound name. A number once given stays with its name, because callers have it in their configuration. */
function mergePorts(
  service: string,
  dataplanes: readonly Dataplane[],
  before: readonly MeshServicePort[],
): { ports: MeshServicePort[]; conflicts: ServiceConflict[] } {
  const firstOf = new Map<string, { inbound: Inbound; dataplane: string }>()
  const conflicts: ServiceConflict[] = []
  for (const dataplane of dataplanes) {
    for (const inbound of offered(dataplane)) {
      const name = inboundName(inbound)
      const first = firstOf.get(name)
      if (first === undefined) firstOf.set(name, { inbound, dataplane: dataplane.name })
      else if ((first.inbound.protocol ?? 'tcp') !== (inbound.protocol ?? 'tcp')) {
        const reason = `its inbound ${name} speaks ${inbound.protocol ?? 'tcp'}, that of ${first.dataplane} ${first.inbound.protocol ?? 'tcp'}: the oldest decides`
        conflicts.push({ service, dataplane: dataplane.name, reason })
      }
    }
  }
  const numbers = new Map(before.filter(port => firstOf.has(portName(port))).map(port => [portName(port), port.port]))
  const taken = new Set(numbers.values())
  for (const [name, { inbound, dataplane }] of firstOf) {
    if (numbers.has(name)) continue
    const number = [applicationPort(inbound), inbound.port].find(candidate => !taken.has(candidate))
    if (number === undefined) {
      conflicts.push({
        service,
        dataplane,
        reason: `its inbound ${name} has the number of another port of the service (${inbound.port}): give it a servicePort of its own`,
      })
      continue
    }
    numbers.set(name, number)
    taken.add(number)
  }
  const ports = [...numbers].map(
    ([name, port]) => ({ name, port, targetPort: name, appProtocol: firstOf.get(name)!.inbound.protocol ?? 'tcp' }) as const,
  )
  return { ports, conflicts }
}

function identitiesOf(
  dataplanes: readonly Dataplane[],
  spiffeIdsOf: (dataplane: Dataplane) => readonly string[],
): NonNullable<MeshServiceSpec['identities']> {
  const ids = new Set(dataplanes.flatMap(spiffeIdsOf))
  return [...ids].sort(compare).map(value => ({ type: 'SpiffeID', value }))
}

function draftOf(
  { mesh, zone }: MeshServiceInput,
  name: string,
  spec: MeshServiceSpec,
  existing: MeshService | undefined,
  isExported: boolean,
): MeshServiceDraft {
  const { [exportedLabel]: _, ...kept } = existing?.labels ?? {}
  const draft: MeshServiceDraft = {
    kind: 'MeshService',
    mesh,
    name,
    labels: { ...kept, [managedByLabel]: managedBySkerry, ...(isExported ? { [exportedLabel]: 'true' } : {}) },
    spec,
  }
  const labels = { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) }
  return { ...draft, labels, ...(existing?.status === undefined ? {} : { status: existing.status }) }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
