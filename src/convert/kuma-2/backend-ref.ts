import { displayNameLabel } from '../../model/labels.ts'
import type { BackendRef, TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { destinations, multiZoneName, type ServiceRef, serviceRefs } from './destination.ts'
import type { Output } from './output.ts'
import { parseServiceName } from './service-name.ts'
import { addSubset } from './services.ts'
import type { Source } from './source.ts'
import { selectByTags, serviceTag } from './tags.ts'
import { impossible, type Targeted, targeted } from './targeted.ts'
import type { Instance, World } from './world.ts'

/** A `backendRefs` item of a Mesh*Route. */
export function backendRef(field: Field, source: Source, world: World, out: Output): Targeted<BackendRef> {
  const tags = field.member('tags')
  const name = field.text('name')
  const isPart = field.text('kind') === 'MeshServiceSubset' && name !== undefined && (tags?.members().length ?? 0) > 0
  const found = isPart ? partOf(name, tags!, source, world, out) : refOf(field, source, world)
  if (found.kind === 'impossible') return found
  if (isPart) for (const part of ['kind', 'name']) field.member(part)!.keep('as a MeshService of its own')
  const weight = field.member('weight')?.keep() ?? 1
  const port = field.member('port')?.keep()
  return targeted({ ...found.value, weight, ...(port === undefined ? {} : { port }) } as BackendRef)
}

/** A destination of a legacy route: tags. */
export function backendByTags(field: Field, source: Source, world: World, out: Output): Targeted<BackendRef> {
  const service = field.text(serviceTag)
  if (service === undefined || service === '*') return impossible('it names no service')
  const found = partOf(service, field, source, world, out)
  return found.kind === 'impossible' ? found : targeted({ ...found.value, weight: 1 } as BackendRef)
}

type Backend = ServiceRef & { readonly port?: number }

function refOf(field: Field, source: Source, world: World): Targeted<Backend> {
  const refs = destinations(field, source.mesh, world)
  if (refs.kind === 'impossible') return refs
  const best = refs.value.at(-1)!
  if (best.labels === undefined) return impossible(`${best.kind} is no backend`)
  return targeted({ ...best, labels: best.labels, ...portOf(best, source.mesh, world) })
}

/** All of a service, or – by further tags – a part of it. */
function partOf(tag: string, tags: Field, source: Source, world: World, out: Output): Targeted<Backend> {
  tags.member(serviceTag)?.keep('as a service')
  const rest = tags.without([serviceTag])
  if (rest.members().length === 0 || world.isExternal(source.mesh, tag)) {
    for (const [, member] of rest.members()) member.keep('the external service has it')
    const ref = serviceRefs(source.mesh, tag, world).at(-1)!
    return targeted({ ...ref, ...portOf(ref, source.mesh, world) })
  }
  const selected = selectByTags(rest)
  if (selected.kind === 'impossible') return selected
  const part = addSubset(source, parseServiceName(tag), selected.value, world, out)
  if (part === null)
    return impossible(
      `no Dataplane of ${tag} with these tags is among the objects: write a MeshService that selects them, and name it here`,
    )
  for (const [, member] of rest.members()) member.keep(`as MeshService ${part.service.name}`)
  const isOfOneZone = new Set(part.instances.map(({ zone }) => zone)).size === 1
  const ref = isOfOneZone
    ? { kind: 'MeshService', labels: { [displayNameLabel]: part.service.name } }
    : { kind: 'MeshMultiZoneService', labels: { [displayNameLabel]: multiZoneName(part.service) } }
  return targeted({ ...ref, ...onlyPort(part.instances) })
}

/** The port of a service that has one alone: Kuma 2 needed none. */
function portOf(ref: TargetRef, mesh: string, world: World): { readonly port?: number } {
  if (ref.kind === 'MeshExternalService' || ref.sectionName !== undefined) return {}
  const name = ref.labels?.[displayNameLabel]
  return onlyPort(world.instancesOf(mesh).filter(({ service }) => service.name === name || multiZoneName(service) === name))
}

function onlyPort(instances: readonly Instance[]): { readonly port?: number } {
  const [port, ...others] = new Set(instances.map(it => it.port))
  return port === undefined || others.length > 0 ? {} : { port }
}
