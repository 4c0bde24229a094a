import type { Field } from '../field.ts'
import { dataSource } from './data-source.ts'
import type { Output } from './output.ts'
import { dnsLabel } from './service-name.ts'
import type { Source } from './source.ts'
import { protocolTag, serviceTag, zoneTag } from './tags.ts'
import type { World } from './world.ts'

const protocols = ['tcp', 'grpc', 'http', 'http2']

/** An ExternalService becomes a MeshExternalService, named as its service was; several of one service are endpoints of one. */
export function convertExternalService(source: Source, world: World, out: Output): void {
  const service = source.spec.text('tags', serviceTag)
  const all = world.of(source.mesh, 'ExternalService').filter(it => it.spec.text('tags', serviceTag) === service)
  const endpoint = readEndpoint(source)
  if (service === undefined || endpoint === null) {
    source.root.drop(service === undefined ? 'it names no service' : 'its address is no host:port')
    return
  }
  const protocol = readTags(source.spec.member('tags')!, service)
  const tls = readTls(source.spec.at('networking', 'tls'))
  if (all[0] !== source) {
    source.root.member('name')?.keep(`an endpoint of MeshExternalService ${dnsLabel(service)}`)
    if (tls !== undefined)
      source.spec.at('networking', 'tls')?.approximate('all endpoints of a service are reached with the TLS of the first')
    return
  }
  source.root.member('name')?.keep(dnsLabel(service) === source.name ? undefined : `named as its service: ${dnsLabel(service)}`)
  out.add(source, {
    kind: 'MeshExternalService',
    name: service,
    spec: {
      match: { type: 'HostnameGenerator', port: endpoint.port, protocol },
      endpoints: all.flatMap(it => readEndpoint(it) ?? []),
      ...(tls === undefined ? {} : { tls }),
    },
  })
}

function readEndpoint({ spec }: Source): { readonly address: string; readonly port: number } | null {
  const field = spec.at('networking', 'address')
  const [, address, port] = /^\[?(.*?)\]?:([0-9]+)$/.exec(String(field?.value)) ?? []
  if (address === undefined || field === undefined) return null
  field.keep('as endpoint')
  return { address, port: Number(port) }
}

function readTags(tags: Field, service: string): string {
  let protocol = 'tcp'
  for (const [tag, field] of tags.members()) {
    const value = String(field.value)
    if (tag === serviceTag) {
      if (dnsLabel(service) === service) field.keep('as name')
      else field.approximate(`as name: ${dnsLabel(service)}`)
    } else if (tag === protocolTag) {
      protocol = protocols.includes(value) ? value : 'tcp'
      if (protocol === value) field.keep('as match.protocol')
      else field.approximate(`there is no protocol ${value}: as tcp`)
    } else if (tag === zoneTag) field.drop('every zone reaches it from its own gateway')
    else field.drop('endpoints outside of the mesh have no labels')
  }
  return protocol
}

function readTls(field: Field | undefined): object | undefined {
  if (field === undefined) return undefined
  const serverName = field.member('serverName')?.keep('as verification.serverName')
  const sources = { caCert: field.member('caCert'), clientCert: field.member('clientCert'), clientKey: field.member('clientKey') }
  const referenced = Object.entries(sources).flatMap(([name, it]) => {
    const found = dataSource(it)
    if (found === undefined || found.type === 'File') {
      it?.drop('a zone gateway reads no files of yours: put it into a Secret')
      return []
    }
    return [[name, found] as const]
  })
  const skip = field.member('skipHostnameVerification')
  skip?.keep(skip.value === true ? 'as verification.mode SkipSAN' : undefined)
  const names = (field.member('subjectAltNames')?.items() ?? []).map(item => readName(item))
  const verification = {
    ...(serverName === undefined ? {} : { serverName }),
    ...Object.fromEntries(referenced),
    ...(names.length > 0 ? { subjectAltNames: names } : {}),
    ...(skip?.value === true ? { mode: 'SkipSAN' } : {}),
  }
  const enabled = field.member('enabled')?.keep()
  const renegotiation = field.member('allowRenegotiation')?.keep()
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(renegotiation === undefined ? {} : { allowRenegotiation: renegotiation }),
    ...(Object.keys(verification).length > 0 ? { verification } : {}),
  }
}

function readName(item: Field): object {
  const type = String(item.member('matchType')?.keep('as type') ?? 'Exact').toLowerCase()
  return { type: type === 'prefix' ? 'Prefix' : 'Exact', value: item.member('value')?.keep() }
}
