import type { InboundMatch } from '../../model/inbound-match.ts'
import { formatSpiffeId, trustDomainOf, workloadSpiffeId } from '../../model/spiffe-id.ts'
import type { Field } from '../field.ts'
import { parseServiceName } from './service-name.ts'
import { noteService, protocolTag, serviceTag, tagsOf, zoneTag } from './tags.ts'
import { impossible, type Targeted, targeted } from './targeted.ts'
import type { World } from './world.ts'

export type Matched = Targeted<readonly InboundMatch[]>

/** Every identity of a mesh, of whatever zone: trust domains are `<mesh>.<zone>.mesh.local`. */
export function everyCaller(mesh: string): InboundMatch[] {
  return [{ spiffeID: { type: 'Prefix', value: `spiffe://${mesh}.` } }]
}

/**
 * Callers that had these tags, by their identities: a service is one workload's in each of the zones, a zone all of its trust domain. Other
 * tags are in no certificate: nothing matches them.
 */
export function callersByTags(mesh: string, field: Field | undefined, world: World, { isOfHttp = false } = {}): Matched {
  const tags = tagsOf(field)
  const other = Object.keys(tags).find(tag => tag !== serviceTag && tag !== zoneTag && !(isOfHttp && tag === protocolTag))
  if (other !== undefined)
    return impossible(`callers are known by their identity, which does not say ${other}: give those proxies a workload of their own`)
  const zones = tags[zoneTag] === undefined || tags[zoneTag] === '*' ? null : [tags[zoneTag]]
  field?.member(zoneTag)?.keep('as trust domain')
  if (isOfHttp) field?.member(protocolTag)?.keep('what it says is for HTTP alone')
  const service = tags[serviceTag]
  if (service === undefined || service === '*') {
    if (field !== undefined && field.members().length === 0) field.keep('every caller')
    field?.member(serviceTag)?.keep('every caller')
    return targeted(zones === null ? everyCaller(mesh) : zones.map(zone => ofZone(mesh, zone)))
  }
  const matched = callersByService(mesh, service, world, zones)
  if (matched.kind === 'ok') noteService(field!.member(serviceTag)!, service)
  return matched
}

/** As `callersByTags`, of one service; of all zones, where none are named. */
export function callersByService(mesh: string, service: string, world: World, zones: readonly string[] | null = null): Matched {
  const among = zones ?? world.zones
  if (among.length === 0) return impossible(`in which zones does ${service} run? An identity names its zone: import again with --zones`)
  const { name } = parseServiceName(service)
  return targeted(among.map(zone => ({ spiffeID: { type: 'Exact', value: workloadSpiffeId(mesh, zone, name) } })))
}

function ofZone(mesh: string, zone: string): InboundMatch {
  return { spiffeID: { type: 'Prefix', value: formatSpiffeId({ trustDomain: trustDomainOf(mesh, zone), path: '/' }) } }
}
