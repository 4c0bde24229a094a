import { displayNameLabel, namespaceLabel } from '../../model/labels.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { dnsLabel, parseServiceName } from './service-name.ts'
import { readNamespace } from './tags.ts'
import { impossible, type Targeted, targeted } from './targeted.ts'
import type { World } from './world.ts'

/** Which destinations an item of `to` is for; several, because a service of several zones is a MeshMultiZoneService beside its MeshServices. */
export function destinations(field: Field, mesh: string, world: World): Targeted<readonly TargetRef[]> {
  const kind = field.text('kind')
  const sectionName = field.member('sectionName')
  const section = sectionName === undefined ? {} : { sectionName: String(sectionName.value) }
  const subset = field.member('tags')
  if (subset !== undefined && subset.members().length > 0)
    return impossible('a part of a service is no destination: write a MeshService that selects these Dataplanes, and name it here')
  subset?.keep()
  if (field.text('mesh') !== undefined && field.text('mesh') !== mesh) return impossible('a service of another mesh is no destination')
  field.member('mesh')?.keep('it is the own mesh')
  field.member('proxyTypes')?.drop('a destination is a service, whatever its proxies are')
  field.member('kind')?.keep()
  sectionName?.keep()
  if (kind === 'Mesh') return targeted([{ kind }])
  const labels = field.member('labels')
  const name = field.text('name')
  if (kind === undefined) return impossible('it has no kind')
  if (!['MeshService', 'MeshServiceSubset', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'].includes(kind))
    return impossible(`${kind} is no destination`)
  if (labels !== undefined) {
    const own = Object.fromEntries(labels.members().map(([label, member]) => [label, String(member.keep())]))
    return targeted([{ kind, labels: own, ...section }])
  }
  if (name === undefined) return impossible('it names nothing')
  if (kind !== 'MeshService' && kind !== 'MeshServiceSubset') {
    field.member('name')!.keep(`as label ${displayNameLabel}`)
    const fitting = kind === 'MeshHTTPRoute' ? name : dnsLabel(name)
    return targeted([{ kind, labels: { [displayNameLabel]: fitting, ...readNamespace(field) }, ...section }])
  }
  const refs = serviceRefs(mesh, name, world)
  field.member('name')!.keep(`as label ${displayNameLabel}${refs.length > 1 ? ', of the MeshMultiZoneService too' : ''}`)
  if (dnsLabel(name) !== name) field.member('name')!.approximate(`as ${refs[0]!.kind} ${refs[0]!.labels[displayNameLabel]}`)
  const namespace = readNamespace(field)
  return targeted(refs.map(ref => ({ ...ref, labels: { ...ref.labels, ...(ref.kind === 'MeshService' ? namespace : {}) }, ...section })))
}

export type ServiceRef = TargetRef & { readonly labels: Readonly<Record<string, string>> }

/** The services that a value of `kuma.io/service` names: of the mesh, where it is known to be of several zones as one too; or outside of it. */
export function serviceRefs(mesh: string, tag: string, world: World): ServiceRef[] {
  const service = parseServiceName(tag)
  if (world.isExternal(mesh, tag)) return [{ kind: 'MeshExternalService', labels: { [displayNameLabel]: dnsLabel(tag) } }]
  const { name, namespace, port } = service
  const section = port === undefined ? {} : { sectionName: port }
  const own: ServiceRef = {
    kind: 'MeshService',
    labels: { [displayNameLabel]: name, ...(namespace === undefined ? {} : { [namespaceLabel]: namespace }) },
    ...section,
  }
  const ofAllZones = multiZoneName(service)
  const isWritten = world.of(mesh, 'MeshMultiZoneService').some(it => it.name === ofAllZones)
  if (!isWritten && world.zonesOf(mesh, service).length < 2) return [own]
  return [own, { kind: 'MeshMultiZoneService', labels: { [displayNameLabel]: ofAllZones }, ...section }]
}

/** The name of the MeshMultiZoneService that stands for a service of several zones. */
export function multiZoneName({ name, namespace }: { readonly name: string; readonly namespace?: string }): string {
  return dnsLabel(namespace === undefined ? name : `${name}-${namespace}`)
}
