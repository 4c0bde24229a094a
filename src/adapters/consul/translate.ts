import { isObject } from '../../model/is-object.ts'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item, Locality } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'
import { numberOf, textOf, textsOf } from '../json.ts'

/** An instance as `/v1/health/service/:service` answers it. Pure. https://developer.hashicorp.com/consul/api-docs/health#sample-response-2 */
export function translateInstance(entry: unknown, locality: Locality, spec: DiscoverySourceSpec): Item {
  const { Node: node, Service: service, Checks: checks } = isObject(entry) ? entry : {}
  if (!isObject(node) || !isObject(service)) return leftOut({ id: 'unreadable' }, 'it has no Node or no Service')
  const name = textOf(service.Service) ?? ''
  const id = { id: `${textOf(node.Node) ?? ''}/${textOf(service.ID) ?? name}` }
  const kind = textOf(service.Kind)
  if (kind !== undefined) return leftOut(id, `it is a ${kind} of Consul's own mesh`, { name })
  const port = numberOf(service.Port) ?? 0
  const { state, reason } = stateOf(Array.isArray(checks) ? checks.filter(isObject) : [])
  const weight = numberOf(isObject(service.Weights) ? service.Weights.Passing : undefined)
  const namespace = textOf(service.Namespace)
  return itemOf(
    id,
    {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...textsOf(service.Meta), ...tagLabels(service.Tags) },
      address: textOf(service.Address) ?? textOf(node.Address),
      // Instances of a service may have ports of their own: the name is what they share.
      ports: port > 0 ? [{ port, name: 'main' }] : [],
      state,
      ...(reason === undefined ? {} : { reason }),
      locality,
      ...(weight === undefined ? {} : { weight }),
      facts: { node: textOf(node.Node), service: textOf(service.ID) },
    },
    spec,
  )
}

function stateOf(checks: readonly Readonly<Record<string, unknown>>[]): { state: 'ready' | 'unhealthy' | 'draining'; reason?: string } {
  const critical = checks.filter(check => check.Status === 'critical')
  const maintenance = critical.find(({ CheckID }) => /^_(node_maintenance|service_maintenance:)/.test(textOf(CheckID) ?? ''))
  if (maintenance) return { state: 'draining', reason: textOf(maintenance.Notes) ?? 'it is in maintenance' }
  const [first] = critical
  return first
    ? { state: 'unhealthy', reason: `check ${textOf(first.Name) ?? textOf(first.CheckID) ?? '?'} is critical` }
    : { state: 'ready' }
}

/** `team=pay` is a label of that name; a tag without `=` is one with the value `true`. */
function tagLabels(tags: unknown): Record<string, string> {
  const texts = Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string' && tag !== '') : []
  return Object.fromEntries(
    texts.map((tag: string) => {
      const equals = tag.indexOf('=')
      return equals > 0 ? [tag.slice(0, equals), tag.slice(equals + 1)] : [tag, 'true']
    }),
  )
}
