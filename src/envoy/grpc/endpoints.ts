import { isIpAddress } from '../../model/address.ts'
import type { Endpoint, EndpointGroup, EndpointSet } from '../../policy/plan.ts'

/**
 * Endpoints as gRPC takes them: addresses by number, each once, each locality of a priority once, and no gap between priorities; of anything else
 * it refuses the whole list. The same object when it is in order already.
 * https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
 */
export function grpcEndpoints(set: EndpointSet): EndpointSet {
  const seen = new Set<string>()
  const isNew = ({ address, port }: Endpoint) => {
    if (!isIpAddress(address) || seen.has(`${address} ${port}`)) return false
    seen.add(`${address} ${port}`)
    return true
  }
  const localities = new Map<string, EndpointGroup>()
  let isSame = true
  for (const group of [...set.groups].sort((a, b) => a.priority - b.priority)) {
    const endpoints = group.endpoints.filter(isNew)
    const key = `${group.priority} ${group.zone} ${group.subZone}`
    const earlier = localities.get(key)
    isSame &&= earlier === undefined && endpoints.length === group.endpoints.length
    if (earlier) localities.set(key, { ...earlier, weight: earlier.weight + group.weight, endpoints: [...earlier.endpoints, ...endpoints] })
    else localities.set(key, endpoints.length === group.endpoints.length ? group : { ...group, endpoints })
  }
  if (isSame) return set
  const groups = [...localities.values()].filter(group => group.endpoints.length > 0)
  const priorities = [...new Set(groups.map(group => group.priority))]
  return { ...set, groups: groups.map(group => ({ ...group, priority: priorities.indexOf(group.priority) })) }
}
