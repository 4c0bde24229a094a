import type { DescMessage, JsonValue } from '@bufbuild/protobuf'
import { parse } from 'yaml'
import { FilterSchema } from '../../gen/envoy/config/listener/v3/listener_components_pb.js'
import { VirtualHostSchema } from '../../gen/envoy/config/route/v3/route_components_pb.js'
import { HttpFilterSchema } from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { ProxyModification } from '../../model/kinds/mesh-proxy-patch.ts'
import type { ProxyPlan } from '../../policy/plan.ts'
import { fromResourceJson, normalJson, schemaOf, toResourceJson } from '../resource-json.ts'
import { type EnvoyResource, type TypeUrl, typeUrls } from '../resources.ts'
import { applyJsonPatch, type JsonPatchStep } from './apply-json-patch.ts'
import { mergeJson } from './merge-json.ts'
import { type Filter, type FilterChange, patchFilters } from './patch-filters.ts'

type Json = Record<string, unknown>
type Change = { readonly value?: string | undefined; readonly jsonPatches?: readonly unknown[] | undefined }
type Resource = { readonly type: TypeUrl; readonly name: string; readonly json: Json }

/** A modification that could not be applied; all of it was left out. */
export interface PatchProblem {
  readonly origin: string
  readonly reason: string
}

export interface Patched {
  readonly resources: readonly EnvoyResource[]
  readonly problems: readonly PatchProblem[]
}

/** The last word on what an Envoy is told: each modification as a whole, or not at all. */
export function patchResources(resources: readonly EnvoyResource[], plan: ProxyPlan): Patched {
  if (plan.patches.length === 0) return { resources, problems: [] }
  const current = new Map(resources.map(resource => [keyOf(resource), resource]))
  const problems: PatchProblem[] = []
  for (const { modification, origin } of plan.patches) {
    try {
      for (const [key, resource] of modified(current, modification, plan)) {
        if (resource === null) current.delete(key)
        else current.set(key, resource)
      }
    } catch (error) {
      problems.push({ origin, reason: (error as Error).message })
    }
  }
  return { resources: [...current.values()], problems }
}

function keyOf({ type, name }: Pick<EnvoyResource, 'type' | 'name'>): string {
  return `${type} ${name}`
}

/** What becomes of the resources that a modification is about; null = they go. Throws what is wrong with it. */
function modified(
  current: ReadonlyMap<string, EnvoyResource>,
  modification: ProxyModification,
  plan: ProxyPlan,
): Map<string, EnvoyResource | null> {
  const changes = new Map<string, EnvoyResource | null>()
  const all = [...current.values()]
  const read = (type: TypeUrl) => all.filter(it => it.type === type).map(it => ({ type, name: it.name, json: toResourceJson(it) as Json }))
  const set = (type: TypeUrl, json: Json) => {
    const resource = fromResourceJson(type, json as JsonValue)
    changes.set(keyOf(resource), resource)
  }
  const whole = (type: TypeUrl, { operation, match, ...change }: NonNullable<ProxyModification['cluster']>) => {
    if (operation === 'Add') return set(type, parse(change.value ?? '') as Json)
    for (const resource of read(type)) {
      if (!matches(match, resource, plan)) continue
      if (operation === 'Remove') changes.set(keyOf(resource), null)
      else set(type, changed(resource.json, change, schemaOf(type)))
    }
  }
  const filters = (
    change: NonNullable<ProxyModification['networkFilter']>,
    schema: DescMessage,
    inChain: (chain: Json, filter: FilterChange) => Json,
  ) => {
    const { listenerName, origin, listenerTags } = change.match ?? {}
    const filter = filterChange(change, schema)
    for (const resource of read(typeUrls.listener)) {
      if (!matches({ name: listenerName, origin, tags: listenerTags }, resource, plan)) continue
      const chains = ((resource.json.filterChains ?? []) as Json[]).map(chain => inChain(chain, filter))
      set(typeUrls.listener, { ...resource.json, filterChains: chains })
    }
  }
  const { cluster, listener, networkFilter, httpFilter, virtualHost } = modification
  if (cluster) whole(typeUrls.cluster, cluster)
  if (listener) whole(typeUrls.listener, listener)
  if (networkFilter)
    filters(networkFilter, FilterSchema, (chain, change) => ({
      ...chain,
      filters: patchFilters((chain.filters ?? []) as Filter[], change),
    }))
  if (httpFilter)
    filters(httpFilter, HttpFilterSchema, (chain, change) => ({
      ...chain,
      filters: ((chain.filters ?? []) as Json[]).map(it =>
        inManager(it, 'httpFilters', list => patchFilters(list as Filter[], change) as Json[]),
      ),
    }))
  if (virtualHost) virtualHosts(virtualHost, { read, set, remove: resource => changes.set(keyOf(resource), null), plan })
  return changes
}

interface Resources {
  readonly read: (type: TypeUrl) => Resource[]
  readonly set: (type: TypeUrl, json: Json) => void
  readonly remove: (resource: Resource) => void
  readonly plan: ProxyPlan
}

/** They stand in route configurations, or by themselves where they come on demand, or in a listener's own routes. */
function virtualHosts(
  { operation, match, ...change }: NonNullable<ProxyModification['virtualHost']>,
  { read, set, remove, plan }: Resources,
): void {
  const { name, origin, routeConfigurationName } = match
  const isMeant = (host: Json) => name === undefined || host.name === name
  const patched = (hosts: readonly Json[]): Json[] => {
    if (operation === 'Add') return [...hosts, parse(change.value ?? '') as Json]
    if (operation === 'Remove') return hosts.filter(host => !isMeant(host))
    return hosts.map(host => (isMeant(host) ? changed(host, change, VirtualHostSchema) : host))
  }
  for (const resource of read(typeUrls.routes)) {
    if (!matches({ name: routeConfigurationName, origin }, resource, plan)) continue
    set(typeUrls.routes, { ...resource.json, virtualHosts: patched((resource.json.virtualHosts ?? []) as Json[]) })
  }
  for (const resource of read(typeUrls.listener)) {
    if (!matches({ name: routeConfigurationName, origin }, resource, plan)) continue
    const inRoutes = (routes: unknown) => ({ ...(routes as Json), virtualHosts: patched(((routes as Json).virtualHosts ?? []) as Json[]) })
    const inChain = (chain: Json) => ({
      ...chain,
      filters: ((chain.filters ?? []) as Json[]).map(filter => inManager(filter, 'routeConfig', inRoutes)),
    })
    set(typeUrls.listener, { ...resource.json, filterChains: ((resource.json.filterChains ?? []) as Json[]).map(inChain) })
  }
  if (operation === 'Add') return
  for (const resource of read(typeUrls.virtualHost)) {
    const table = resource.name.slice(0, resource.name.indexOf('/'))
    if (!isMeant(resource.json) || !matches({ name: routeConfigurationName, origin }, { ...resource, name: table }, plan)) continue
    if (operation === 'Remove') remove(resource)
    else set(typeUrls.virtualHost, changed(resource.json, change, VirtualHostSchema))
  }
}

/** A part of an HTTP connection manager changed, if the filter is one and has it. */
function inManager<T>(filter: Json, part: string, change: (value: T) => unknown): Json {
  const config = filter.typedConfig as Json | undefined
  if (filter.name !== 'envoy.filters.network.http_connection_manager' || config?.[part] === undefined) return filter
  return { ...filter, typedConfig: { ...config, [part]: change(config[part] as T) } }
}

function filterChange({ operation, match, ...change }: NonNullable<ProxyModification['networkFilter']>, schema: DescMessage): FilterChange {
  const isAdded = operation.startsWith('Add')
  return {
    operation,
    name: match?.name,
    added: isAdded ? (normalJson(schema, parse(change.value ?? '') as JsonValue) as Filter) : null,
    patch: filter => changed(filter as Json, change, schema) as Filter,
  }
}

/** What is merged may name fields as protos do, or as their JSON does. */
function changed(json: Json, { value, jsonPatches }: Change, schema: DescMessage): Json {
  if (value === undefined) return applyJsonPatch(json, (jsonPatches ?? []) as readonly JsonPatchStep[]) as Json
  return mergeJson(json, normalJson(schema, parse(value) as JsonValue)) as Json
}

interface Match {
  readonly name?: string | undefined
  readonly origin?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** Listeners and clusters have no tags here, so what asks for one means none of them. */
function matches(match: Match | undefined, { type, name }: Pick<Resource, 'type' | 'name'>, plan: ProxyPlan): boolean {
  if (match === undefined) return true
  if (match.tags !== undefined && Object.keys(match.tags).length > 0) return false
  if (match.name !== undefined && match.name !== name) return false
  return match.origin === undefined || match.origin === originOf(type, name, plan)
}

/** In Kuma's words. */
function originOf(type: TypeUrl, name: string, plan: ProxyPlan): string {
  if (type === typeUrls.cluster) return plan.clusters.find(cluster => cluster.name === name)?.kind === 'local' ? 'inbound' : 'outbound'
  const kind = plan.listeners.find(listener => listener.name === name)?.kind
  if (kind === 'agentless') return 'inbound'
  return kind === 'zone-ingress' ? 'ingress' : kind === 'http-proxy' ? 'outbound' : (kind ?? '')
}
