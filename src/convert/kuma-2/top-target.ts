import { displayNameLabel, namespaceLabel } from '../../model/labels.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { dnsLabel } from './service-name.ts'
import { isSystem, type Source } from './source.ts'
import { noteService, readNamespace, type Selected, selectByTags, serviceLabels } from './tags.ts'
import { impossible, type Targeted, targeted } from './targeted.ts'
import type { World } from './world.ts'

/** Of which proxies a policy is. undefined = of the whole mesh. Several, where one reference became several. */
export function topTargets(
  field: Field | undefined,
  source: Source,
  world: World,
  forRoutes: boolean,
): Targeted<readonly (TargetRef | undefined)[]> {
  const found = field === undefined ? targeted([undefined]) : readTop(field, source, world, forRoutes)
  if (found.kind === 'impossible' || source.namespace === undefined || isSystem(source.namespace)) return found
  const { namespace } = source
  source.root
    .at('metadata', 'namespace')
    ?.approximate('the policy is for proxies with the label k8s.kuma.io/namespace: what it said as a producer of other namespaces is gone')
  return targeted(found.value.map(ref => (ref?.kind === 'MeshGateway' ? ref : { ...ref, ...inNamespace(ref, namespace) })))
}

function inNamespace(ref: TargetRef | undefined, namespace: string): Pick<TargetRef, 'kind' | 'labels'> {
  return { kind: 'Dataplane', labels: { ...ref?.labels, [namespaceLabel]: namespace } }
}

function readTop(field: Field, source: Source, world: World, forRoutes: boolean): Targeted<readonly (TargetRef | undefined)[]> {
  const kind = field.text('kind')
  const types = field.member('proxyTypes')
  if (types !== undefined) {
    const names = types.items().map(it => it.value)
    if (names.includes('Gateway') && !names.includes('Sidecar'))
      return impossible('nothing selects gateways alone: give their Dataplanes a label, and select it')
    if (names.includes('Gateway') || names.length === 0) types.keep('of all proxies')
    else types.approximate('gateways are selected too: give the others a label, and select it')
  }
  switch (kind) {
    case 'Mesh':
      field.member('kind')?.keep()
      return targeted([undefined])
    case 'MeshSubset':
      return dataplanes(field, selectByTags(field.member('tags')))
    case 'MeshService':
    case 'MeshServiceSubset':
      return dataplanes(field, proxiesOfService(field))
    case 'Dataplane':
      return dataplanes(field, dataplaneLabels(field))
    case 'MeshGateway':
      return gatewayTargets(field, source, world, forRoutes)
    default:
      return impossible(`nothing is selected by ${kind}`)
  }
}

function dataplanes(field: Field, selected: Selected): Targeted<readonly TargetRef[]> {
  if (selected.kind === 'impossible') return selected
  field.member('kind')?.keep('as Dataplane')
  field.member('sectionName')?.keep()
  const sectionName = field.member('sectionName')?.value
  return targeted([
    {
      kind: 'Dataplane',
      ...(Object.keys(selected.value).length > 0 ? { labels: selected.value } : {}),
      ...(sectionName === undefined ? {} : { sectionName: String(sectionName) }),
    },
  ])
}

function proxiesOfService(field: Field): Selected {
  const tags = selectByTags(field.member('tags'))
  if (tags.kind === 'impossible') return tags
  const name = field.text('name')
  const labels = field.member('labels')
  if (labels !== undefined) return impossible('it selects proxies by the labels of a service: select them by labels of their own')
  if (name === undefined) return impossible('it names no service')
  noteService(field.member('name')!, name)
  return targeted({ ...tags.value, ...serviceLabels(name), ...readNamespace(field) })
}

function dataplaneLabels(field: Field): Selected {
  const labels: Record<string, string> = {}
  for (const [name, member] of field.member('labels')?.members() ?? []) labels[name] = String(member.keep())
  const name = field.text('name')
  if (name !== undefined) {
    labels[displayNameLabel] = name
    field.member('name')!.keep(`as label ${displayNameLabel}`)
  }
  return targeted({ ...labels, ...readNamespace(field) })
}

/** Routes name a gateway and its listener; every other policy selects its Dataplanes. */
function gatewayTargets(field: Field, source: Source, world: World, forRoutes: boolean): Targeted<readonly TargetRef[]> {
  const name = dnsLabel(field.text('name') ?? '')
  const gateway = world.gateways(source.mesh).find(it => it.name === name)
  const tags = field.member('tags')
  const wanted = tags?.members().map(([tag, { value }]) => [tag, String(value)] as const) ?? []
  if (!forRoutes) {
    if (wanted.length > 0) return impossible(`only routes select a gateway's listeners: this is for one of ${name}'s`)
    if (gateway === undefined) return impossible(`MeshGateway ${name} is not among the objects: what selects its Dataplanes is not known`)
    const selectors = gateway.selectors.map(it => selectByTags(it))
    const wrong = selectors.find(it => it.kind === 'impossible')
    if (wrong?.kind === 'impossible') return wrong
    field.member('kind')?.keep('as Dataplane')
    field.member('name')?.keep("as the labels that select the gateway's Dataplanes")
    return targeted(selectors.map(it => ({ kind: 'Dataplane', labels: it.kind === 'ok' ? it.value : {} })))
  }
  if (wanted.length > 0 && gateway === undefined)
    return impossible(`MeshGateway ${name} is not among the objects: what its listeners' tags are is not known`)
  const listeners = gateway?.listeners ?? []
  const chosen = listeners.filter(listener => wanted.every(([tag, value]) => listener.tags[tag] === value))
  if (wanted.length > 0 && chosen.length === 0) return impossible(`no listener of MeshGateway ${name} has these tags`)
  for (const part of ['kind', 'name']) field.member(part)?.keep(part === 'name' ? `as label ${displayNameLabel}` : undefined)
  tags?.keep('as sectionName: the listeners with these tags')
  const ref = { kind: 'MeshGateway', labels: { [displayNameLabel]: name } }
  return targeted(chosen.length === listeners.length ? [ref] : chosen.map(it => ({ ...ref, sectionName: it.name })))
}
