import { namespaceLabel, zoneLabel } from './labels.ts'
import { displayNameOf } from './names.ts'
import type { Resource } from './resource.ts'

/**
 * What a caller's proxy writes into TLS's server name to reach a port of a service, and what a zone gateway routes by:
 * `sni.msvc.<mesh>.<zone>.<name>.<section>`, with a namespace after the zone for Kubernetes, and
 * `sni.mzsvc.<mesh>.<name>.<section>` for a service of global. Kuma's MADR 101.
 */
export interface Sni {
  readonly short: 'msvc' | 'mzsvc' | 'extsvc'
  readonly mesh: string
  /** '' for what global provides. */
  readonly zone: string
  readonly namespace: string
  readonly name: string
  /** Name of the port. */
  readonly section: string
}

/** Of a zone's service. */
export function serviceSni(service: {
  readonly mesh: string
  readonly zone: string
  readonly namespace?: string
  readonly name: string
  readonly section: string
}): string {
  return formatSni({ namespace: '', ...service, short: 'msvc' })
}

/** Of a service of all zones. */
export function multiZoneServiceSni(service: { readonly mesh: string; readonly name: string; readonly section: string }): string {
  return formatSni({ zone: '', namespace: '', ...service, short: 'mzsvc' })
}

export function formatSni(sni: Sni): string {
  const parts = ['sni', sni.short, sni.mesh, sni.zone, sni.namespace, sni.name, sni.section]
  return parts.filter(part => part !== '').join('.')
}

/** null when the text is not one of ours. */
export function parseSni(text: string): Sni | null {
  const [prefix, short, mesh = '', ...rest] = text.split('.')
  if (prefix !== 'sni' || (short !== 'msvc' && short !== 'mzsvc' && short !== 'extsvc')) return null
  if (rest.length < 2 || rest.length > 4 || [mesh, ...rest].includes('')) return null
  const section = rest.pop()!
  const name = rest.pop()!
  const [zone = '', namespace = ''] = rest
  return { short, mesh, zone, namespace, name, section }
}

const shorts: Readonly<Record<string, Sni['short']>> = { MeshService: 'msvc', MeshMultiZoneService: 'mzsvc', MeshExternalService: 'extsvc' }

/** The SNI of a service's port. */
export function sniOf(service: Pick<Resource, 'kind' | 'mesh' | 'name' | 'labels'>, section: string): string {
  const short = shorts[service.kind]
  if (short === undefined) throw new TypeError(`a ${service.kind} has no SNI: only services have`)
  return formatSni({
    short,
    mesh: service.mesh,
    zone: service.labels[zoneLabel] ?? '',
    namespace: service.labels[namespaceLabel] ?? '',
    name: displayNameOf(service),
    section,
  })
}
