import { dataplaneKind } from '../../model/kinds/dataplane.ts'
import { displayNameLabel, workloadLabel } from '../../model/labels.ts'
import { validateLabels } from '../../model/validate.ts'
import { copyKnown, schemaAt } from '../copy-known.ts'
import type { Field } from '../field.ts'
import { serviceRefs } from './destination.ts'
import { protocolOf } from './inbound-port.ts'
import { prometheusConf } from './metrics.ts'
import type { Output } from './output.ts'
import { dnsLabel, parseServiceName } from './service-name.ts'
import { servesLabel } from './services.ts'
import { namespaceLabels, type Source } from './source.ts'
import { noteService, protocolTag, serviceLabels, serviceTag, tagsOf, zoneTag } from './tags.ts'
import { type World, zoneOfDataplane } from './world.ts'

const networkingSchema = schemaAt(dataplaneKind.spec, 'networking')
const inboundSchema = schemaAt(networkingSchema, 'inbound', '[]')
const outboundSchema = schemaAt(networkingSchema, 'outbound', '[]')
const proxyingSchema = schemaAt(networkingSchema, 'transparentProxying')

/** A Dataplane: its tags become labels, the protocol of an inbound a field, and destinations are named by labels. */
export function convertDataplane(source: Source, world: World, out: Output): void {
  const networking = source.spec.member('networking')
  if (networking === undefined) {
    source.root.drop('it has no networking')
    return
  }
  const inbounds = networking.member('inbound')?.items() ?? []
  const gateway = networking.member('gateway')
  const labels = labelsOf(source, [...inbounds, ...(gateway === undefined ? [] : [gateway])])
  const inbound = inbounds.map(it => readInbound(it))
  const outbound = (networking.member('outbound')?.items() ?? []).flatMap(it => readOutbound(it, source.mesh, world))
  const proxying = networking.member('transparentProxying')
  const spec = {
    networking: {
      ...(copyKnown(networkingSchema, networking, [
        'inbound',
        'outbound',
        'gateway',
        'transparentProxying',
        'advertisedAddress',
        'address',
      ]) as object),
      address: readAddress(networking),
      ...(inbound.length > 0 ? { inbound } : {}),
      ...(outbound.length > 0 ? { outbound } : {}),
      ...(gateway === undefined ? {} : { gateway: readGateway(gateway) }),
      ...(proxying === undefined ? {} : { transparentProxying: readProxying(proxying, source.mesh, world) }),
    },
  }
  const zone = zoneOfDataplane(source)
  out.add(source, { kind: 'Dataplane', labels, spec, ...(zone === undefined ? {} : { zone }) })
  source.spec
    .member('probes')
    ?.drop('only a transparent proxy of Kubernetes needs virtual probes: serviceProbe says how an application is asked')
  addMetrics(source, out)
}

/** Other proxies reach a Dataplane at one address; Kuma 2 let the proxy listen at another. */
function readAddress(networking: Field): unknown {
  const address = networking.member('address')
  const advertised = networking.member('advertisedAddress')
  if (advertised === undefined) return address?.keep()
  address?.approximate('replaced by advertisedAddress: the proxy must be able to listen there, or its inbounds need addresses of their own')
  return advertised.keep('as address')
}

function readInbound(inbound: Field): object {
  const tags = inbound.member('tags')
  const protocol = tags?.text(protocolTag)
  const known = protocolOf(protocol)
  if (protocol !== undefined && known === undefined) tags!.member(protocolTag)!.approximate(`there is no protocol ${protocol}: as tcp`)
  const copied = copyKnown(inboundSchema, inbound, ['tags']) as Record<string, unknown>
  return { ...copied, ...(known === undefined || copied.protocol !== undefined ? {} : { protocol: known }) }
}

function readGateway(gateway: Field): object {
  const type = gateway.member('type')?.keep()
  return type === undefined ? {} : { type }
}

/** One set of labels for all inbounds: of tags that differ the first counts. */
function labelsOf(source: Source, tagged: readonly Field[]): Record<string, string> {
  const labels: Record<string, string> = { ...namespaceLabels(source), ...source.labels }
  const first = tagged.map(it => it.text('tags', serviceTag)).find(it => it !== undefined)
  if (first !== undefined && labels[workloadLabel] === undefined) Object.assign(labels, serviceLabels(first))
  const services = new Map(
    tagged.flatMap(it => {
      const service = it.text('tags', serviceTag)
      return service === undefined
        ? []
        : [[JSON.stringify({ ...parseServiceName(service), port: undefined }), parseServiceName(service)] as const]
    }),
  )
  if (services.size > 1) for (const service of services.values()) labels[servesLabel(service)] = 'true'
  for (const inbound of tagged) {
    const tags = inbound.member('tags')
    if (tags !== undefined && tags.members().length === 0) tags.keep()
    const values = tagsOf(tags)
    for (const [tag, field] of tags?.members() ?? []) addLabel(tag, values[tag], field, labels, { isOneOfSeveral: services.size > 1 })
  }
  return labels
}

function addLabel(
  tag: string,
  value: string | undefined,
  field: Field,
  labels: Record<string, string>,
  { isOneOfSeveral }: { readonly isOneOfSeveral: boolean },
): void {
  if (value === undefined) field.drop('a tag is a text')
  else if (tag === serviceTag) {
    noteService(field, value)
    if (isOneOfSeveral) field.approximate(`as MeshService ${parseServiceName(value).name}, which selects these Dataplanes by a label`)
  } else if (tag === zoneTag) field.keep('a Dataplane is of the zone that it is applied in')
  else if (validateLabels({ [tag]: value }).length > 0) field.drop('it cannot be a label')
  else if (tag === protocolTag) field.keep('as protocol')
  else if (labels[tag] !== undefined && labels[tag] !== value)
    field.drop(`labels are of the whole Dataplane, and ${tag} is ${labels[tag]} already`)
  else {
    labels[tag] = value
    field.keep('as label')
  }
}

/** A destination that was named by tags is named by labels: of whatever kind it is here. */
function readOutbound(outbound: Field, mesh: string, world: World): object[] {
  const tags = outbound.member('tags')
  const copied = copyKnown(outboundSchema, outbound, ['tags', 'service', 'backendRef']) as object
  const service = tags?.text(serviceTag) ?? outbound.text('service')
  const ref = outbound.member('backendRef')
  if (ref !== undefined) return [{ ...copied, backendRef: copyKnown(outboundSchema.properties!.backendRef!, ref) }]
  if (service === undefined) {
    outbound.drop('it names no service')
    return []
  }
  if (world.isExternal(mesh, service)) {
    outbound.drop(`an outbound cannot name what is outside of the mesh: call MeshExternalService ${dnsLabel(service)} by its host name`)
    return []
  }
  outbound.member('service')?.keep('as backendRef')
  for (const [tag, field] of tags?.members() ?? [])
    if (tag === serviceTag) noteService(field, service)
    else field.approximate('the whole service: a part of it needs a MeshService of its own')
  const { labels } = serviceRefs(mesh, service, world)[0]!
  // Without a kind the MeshMultiZoneService of that name counts first, where there is one.
  return [{ ...copied, backendRef: { labels: { [displayNameLabel]: labels[displayNameLabel]! } } }]
}

function readProxying(field: Field, mesh: string, world: World): object {
  const copied = copyKnown(proxyingSchema, field, ['reachableServices', 'reachableBackends']) as Record<string, unknown>
  const backends = field.member('reachableBackends')
  if (backends?.members().length === 0) backends.keep('nothing is reachable')
  const refs = [
    ...(field.member('reachableServices')?.items() ?? []).flatMap(item => {
      const service = String(item.keep('as reachableBackends'))
      if (service === '*') return ['MeshService', 'MeshMultiZoneService', 'MeshExternalService'].map(kind => ({ kind, labels: {} }))
      return serviceRefs(mesh, service, world).map(({ kind, labels }) => ({ kind, labels }))
    }),
    ...(backends?.member('refs')?.items() ?? []).map(readReachable),
  ]
  if (field.member('reachableServices') === undefined && backends === undefined) return copied
  return { ...copied, reachableBackends: { refs } }
}

function readReachable(ref: Field): object {
  const labels = ref.member('labels')
  const name = ref.text('name')
  const namespace = ref.text('namespace')
  for (const part of ['kind', 'port']) ref.member(part)?.keep()
  for (const part of ['name', 'namespace']) ref.member(part)?.keep('as label')
  labels?.keep()
  const port = ref.member('port')?.value
  return {
    kind: ref.member('kind')?.value,
    labels: {
      ...(labels?.value as object | undefined),
      ...(name === undefined ? {} : { [displayNameLabel]: name }),
      ...(namespace === undefined ? {} : { 'k8s.kuma.io/namespace': namespace }),
    },
    ...(port === undefined ? {} : { port }),
  }
}

/** A Dataplane could say how its own metrics are shown. */
function addMetrics(source: Source, out: Output): void {
  const metrics = source.spec.member('metrics')
  if (metrics === undefined) return
  const conf = prometheusConf(metrics)
  if (conf === null) return
  out.add(source, {
    kind: 'MeshMetric',
    name: `${source.name}-metrics`,
    labels: {},
    spec: { targetRef: { kind: 'Dataplane', labels: { [displayNameLabel]: source.name } }, default: conf },
    field: metrics,
    because: 'how one Dataplane shows its metrics is a policy',
  })
}
