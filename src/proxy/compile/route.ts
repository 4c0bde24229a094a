import type { Route as EnvoyRoute, VirtualHost as EnvoyVirtualHost } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import { VirtualHostSchema } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import { type RouteConfiguration, RouteConfigurationSchema } from '../../gen/envoy/config/route/v3/route_pb.js'
import { compileAction } from './action.ts'
import { type Compiled, compileResource, type Reasons } from './compiled.ts'
import { joinEdits, requestEdits, responseEdits } from './headers.ts'
import { compileMatch } from './route-match.ts'
import type { HeaderEdits, Route, RouteTable, VirtualHost } from './table.ts'
import { needAds } from './values.ts'

/** A virtual host and what it answers to; a table is put together from these. */
export interface CompiledHost {
  readonly host: VirtualHost
  /** Lower case: `*`, `*.example.com`, `example.com`. */
  readonly domains: readonly string[]
}

export interface CompiledRoutes {
  readonly name: string
  readonly hosts: readonly CompiledHost[]
  /** Other hosts may be asked for by name (VHDS). */
  readonly onDemand: boolean
}

export function compileRoutes(bytes: Uint8Array): Compiled<CompiledRoutes> {
  return compileResource(RouteConfigurationSchema, bytes, (config, reasons) => routesOf(config, '', reasons))
}

/** A virtual host that came by itself (VHDS). */
export function compileVirtualHost(bytes: Uint8Array): Compiled<CompiledHost> {
  return compileResource(VirtualHostSchema, bytes, (host, reasons) => hostOf(host, '', reasons))
}

/** Also for what stands inside a listener (`path` says where). */
export function routesOf(config: RouteConfiguration, path: string, reasons: Reasons): CompiledRoutes {
  const named = config.virtualHosts.some(host => host.domains.some(domain => domain !== '*'))
  if (config.vhds) needAds(config.vhds.configSource, `${path}vhds.config_source`, reasons)
  if ((named || config.vhds) && !config.ignorePortInHostMatching) {
    reasons.add(`${path}ignore_port_in_host_matching`, 'must be true: this proxy never compares the port in a Host header')
  }
  const request = requestEdits(config, path, reasons)
  const response = responseEdits(config, path, reasons)
  const hosts = config.virtualHosts.map((host, index) => hostOf(host, `${path}virtual_hosts[${index}].`, reasons, request, response))
  const seen = new Set<string>()
  for (const domain of hosts.flatMap(host => host.domains)) {
    if (seen.has(domain)) reasons.add(`${path}virtual_hosts`, `the domain ${domain} is there twice`)
    seen.add(domain)
  }
  return { name: config.name, hosts, onDemand: config.vhds !== undefined }
}

/** Puts a table together. A domain that comes twice belongs to the first: what was configured wins over what was asked for. */
export function assembleRoutes(name: string, hosts: Iterable<CompiledHost>, onDemand: boolean): RouteTable {
  const exact = new Map<string, VirtualHost>()
  const suffixes = new Map<string, VirtualHost>()
  let any: VirtualHost | null = null
  for (const { host, domains } of hosts) {
    for (const domain of domains) {
      if (domain === '*') any ??= host
      else {
        const [map, key] = domain.startsWith('*') ? ([suffixes, domain.slice(1)] as const) : ([exact, domain] as const)
        if (!map.has(key)) map.set(key, host)
      }
    }
  }
  const longestFirst = [...suffixes].sort(([a], [b]) => b.length - a.length).map(([suffix, host]) => ({ suffix, host }))
  return { name, exact, suffixes: longestFirst, any, onDemand }
}

const none: HeaderEdits = { set: [], add: [], remove: [] }

function hostOf(host: EnvoyVirtualHost, path: string, reasons: Reasons, request = none, response = none): CompiledHost {
  const requestHeaders = joinEdits(requestEdits(host, path, reasons), request)
  return {
    domains: host.domains.map((domain, index) => domainOf(domain, `${path}domains[${index}]`, reasons)),
    host: {
      name: host.name,
      routes: host.routes.map((route, index) => routeOf(route, requestHeaders, `${path}routes[${index}]`, reasons)),
      responseHeaders: joinEdits(responseEdits(host, path, reasons), response),
    },
  }
}

function domainOf(domain: string, path: string, reasons: Reasons): string {
  if (domain === '') reasons.add(path, 'must not be empty')
  if (domain.includes(':') && !domain.startsWith('[')) reasons.add(path, `${domain}: a port in a domain is not supported by this proxy`)
  if (domain.lastIndexOf('*') > 0) reasons.add(path, `${domain}: a star may only stand at the beginning`)
  return domain.toLowerCase()
}

function routeOf(route: EnvoyRoute, fromHost: HeaderEdits, path: string, reasons: Reasons): Route {
  const match = compileMatch(route.match, `${path}.match`, reasons)
  return {
    name: route.name,
    ...match,
    requestHeaders: joinEdits(requestEdits(route, `${path}.`, reasons), fromHost),
    responseHeaders: responseEdits(route, `${path}.`, reasons),
    action: compileAction(route, match.path, path, reasons),
  }
}
