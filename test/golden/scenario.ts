import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import type { ClientKind } from '../../src/envoy/client-kind.ts'
import { encodeEndpoints } from '../../src/envoy/endpoint.ts'
import { proxyResources } from '../../src/envoy/proxy-resources.ts'
import { envoyResourcesJson } from '../../src/envoy/resource-json.ts'
import { type EnvoyResource, typeUrls } from '../../src/envoy/resources.ts'
import { computedLabels } from '../../src/model/compute-labels.ts'
import type { Resource } from '../../src/model/resource.ts'
import { fromWire } from '../../src/model/wire.ts'
import { planEndpoints } from '../../src/policy/endpoints.ts'
import type { EndpointSet, ProxyPlan } from '../../src/policy/plan.ts'
import { planProxy } from '../../src/policy/plan-proxy.ts'
import { MeshView, type ViewChange } from '../../src/policy/view.ts'
import { byName, difference } from './difference.ts'

/** A folder beside this file: `resources.yaml` is laid over `base.yaml`, and `plan.yaml` and `xds.yaml` say what that changes for one proxy. The
 *  first lines of `resources.yaml` are comments: what it is about, and if it is not web-1 and the built-in proxy, `# proxy: NAME` and
 *  `# client: envoy`. */
export interface Scenario {
  readonly name: string
  readonly proxy: string
  readonly client: ClientKind
  readonly resources: readonly Resource[]
  readonly folder: string
}

/** The zone that everything is seen from. */
const zone = 'azure-1'

const folder = import.meta.dirname

export function scenarios(): Scenario[] {
  return readdirSync(folder)
    .filter(name => existsSync(join(folder, name, 'resources.yaml')))
    .sort()
    .map(name => readScenario(name))
}

function readScenario(name: string): Scenario {
  const at = join(folder, name)
  const text = readFileSync(join(at, 'resources.yaml'), 'utf8')
  const client = said(text, 'client') ?? 'skerry'
  if (client !== 'skerry' && client !== 'envoy') throw new Error(`${name}: # client: ${client}`)
  return { name, folder: at, proxy: said(text, 'proxy') ?? 'web-1', client, resources: readResources(text, name) }
}

function said(text: string, what: string): string | undefined {
  return new RegExp(`^# ${what}: (\\S+)$`, 'm').exec(text)?.[1]
}

/** Documents in Kuma's form, with the labels that a control plane of the zone computes; those that say their zone are of that zone. */
function readResources(text: string, where: string): Resource[] {
  return parseAllDocuments(text).flatMap((document, index) => {
    const json = document.toJS() as unknown
    if (json === null) return []
    const read = fromWire(json, { strict: false })
    if (read.kind === 'invalid') throw new Error(`${where}, document ${index}: ${JSON.stringify(read.violations)}`)
    const { draft } = read
    const isGlobal = draft.labels['kuma.io/origin'] === 'global'
    const labels = { ...computedLabels({ ...draft, labels: {} }, isGlobal ? { mode: 'global' } : { mode: 'zone', zone }), ...draft.labels }
    const time = '2026-01-01T00:00:00Z'
    return [{ ...draft, labels, creationTime: time, modificationTime: time, revision: 1 }]
  })
}

let base: MeshView | undefined

/** The mesh that every scenario starts from. */
function baseView(): MeshView {
  base ??= withResources(
    MeshView.empty('default', zone),
    readResources(readFileSync(join(import.meta.dirname, 'base.yaml'), 'utf8'), 'base'),
  )
  return base
}

function withResources(view: MeshView, resources: readonly Resource[]): MeshView {
  return view.with(
    resources.map<ViewChange>(resource => ({ kind: 'put', resource })),
    view.revision + 1,
  )
}

/** `plan.yaml` and `xds.yaml` as they would be written now. A proxy that is not in the base is shown whole. */
export function goldens(scenario: Scenario): { readonly plan: string; readonly xds: string } {
  const before = baseView()
  const after = withResources(before, scenario.resources)
  const was = outcome(before, scenario)
  const is = outcome(after, scenario)
  if (!is) throw new Error(`${scenario.name}: there is no proxy ${scenario.proxy}`)
  return { plan: print(difference(was?.plan ?? {}, is.plan)), xds: print(difference(was?.xds ?? {}, is.xds)) }
}

/** What is there in a scenario, as the zone sees it, and the zone. */
export function worldOf(scenario: Scenario): { readonly zone: string; readonly view: MeshView; readonly resources: readonly Resource[] } {
  const view = withResources(baseView(), scenario.resources)
  return { zone, view, resources: Object.values(view.tables).flatMap(table => [...table.values()]) }
}

/** Everything that a proxy is told in a scenario, for whoever wants to show it to a real one. */
export function resourcesOf(scenario: Scenario, client: ClientKind): readonly EnvoyResource[] {
  const view = withResources(baseView(), scenario.resources)
  const dataplane = view.get('Dataplane', scenario.proxy)!
  const plan = planProxy(view, dataplane)
  return [...proxyResources(plan, client), ...[...endpointsOf(view, plan)].map(endpointResource)]
}

function outcome(view: MeshView, { proxy, client }: Scenario): { plan: unknown; xds: unknown } | null {
  const dataplane = view.get('Dataplane', proxy)
  if (!dataplane) return null
  const plan = planProxy(view, dataplane)
  const endpoints = endpointsOf(view, plan)
  return {
    plan: {
      ...(byName(shown(plan)) as object),
      endpoints: Object.fromEntries([...endpoints].map(([name, set]) => [name, shownEndpoints(set)])),
    },
    xds: byName(shownXds([...proxyResources(plan, client), ...[...endpoints].map(endpointResource)])),
  }
}

function endpointsOf(view: MeshView, plan: ProxyPlan): Map<string, EndpointSet> {
  return new Map(
    plan.clusters.flatMap(cluster =>
      cluster.kind === 'service' ? [[cluster.name, planEndpoints(view, cluster.endpoints, () => 'ready')] as const] : [],
    ),
  )
}

function endpointResource([name, set]: [string, EndpointSet]): EnvoyResource {
  return { type: typeUrls.endpoints, name, bytes: encodeEndpoints(name, set) }
}

/** Defaults are in the base; who set what else stands in one line each. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      if (name === 'settings') return [[name, shownSettings(part as ProxyPlan['settings'])]]
      return name === 'endpoints' ? [] : [[name, shown(part)]]
    }),
  )
}

function shownSettings(settings: ProxyPlan['settings']): Record<string, string> {
  const lines = Object.entries(settings).flatMap(([kind, list]) =>
    list
      .filter(({ origin }) => origin !== 'default')
      .map(({ path, value, origin }) => [`${kind} ${path}`, `${JSON.stringify(value)} by ${origin}`]),
  )
  return Object.fromEntries(lines) as Record<string, string>
}

function shownEndpoints({ groups, overprovisioning }: EndpointSet): Record<string, unknown> {
  const tiers = groups.map(({ priority, zone, subZone, weight, endpoints }) => {
    const place = subZone === '' ? zone : `${zone} (${subZone})`
    return [
      `${priority} ${place}`,
      `weight ${weight}: ${endpoints.map(({ name, state }) => (state === 'healthy' ? name : `${name} ${state}`)).join(', ')}`,
    ]
  })
  return { ...Object.fromEntries(tiers), overprovisioning }
}

function shownXds(resources: readonly EnvoyResource[]): Record<string, unknown> {
  const byType = Object.entries(envoyResourcesJson(resources))
  return Object.fromEntries(byType.map(([type, named]) => [type.split('.').at(-1), named]))
}

function print(value: unknown): string {
  return value === undefined ? '# nothing\n' : stringify(value, { lineWidth: 160, aliasDuplicateObjects: false })
}
