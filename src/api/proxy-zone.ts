import type { Registry } from '../registry/registry.ts'
import { ApiError, invalidResource } from './problem.ts'
import type { ControlPlaneRole } from './role.ts'

/**
 * The zone that makes and verifies the tokens of its proxies, where that is another control plane: `zone`, or the only one there is.
 * undefined = it is this one. Throws ApiError when it cannot be said.
 */
export function zoneOfProxies(role: ControlPlaneRole, registry: Registry, zone: string | undefined, title: string): string | undefined {
  if (role.kind === 'zone') {
    if (zone === undefined || zone === role.zone) return undefined
    const fix = `ask the control plane of zone '${zone}', or the global one`
    throw tokenElsewhere(title, `this is zone '${role.zone}', the token is for zone '${zone}'`, fix)
  }
  const zones = registry.list('Zone').map(({ name }) => name)
  const wanted = zone ?? (zones.length === 1 ? zones[0] : undefined)
  if (wanted === undefined) {
    const there = zones.length > 0 ? `-z ${zones[0]} (there are ${zones.join(', ')})` : 'no zone has joined yet'
    throw tokenElsewhere(title, 'a proxy joins one zone, and its tokens are that zone’s', `say which: ${there}`)
  }
  if (!zones.includes(wanted)) throw invalidResource([{ field: 'zone', reason: `zone of name ${wanted} is not found` }], title)
  return wanted
}

export function tokenElsewhere(title: string, detail: string, fix: string): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_TOKEN_ELSEWHERE', title, detail, fix })
}

/** For a control plane that cannot ask another one. */
export function cannotAsk(title: string, zone: string): ApiError {
  return tokenElsewhere(title, `zone '${zone}' cannot be asked from here`, `ask the control plane of zone '${zone}': --api URL`)
}
