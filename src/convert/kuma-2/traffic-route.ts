import type { BackendRef, TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { backendByTags } from './backend-ref.ts'
import { addOutbound } from './legacy-policy.ts'
import { legacySelectors, proxiesOf, servicesOf } from './legacy-selectors.ts'
import { moveFields } from './move-fields.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import { everyPath } from './route.ts'
import type { Source } from './source.ts'
import { serviceTag } from './tags.ts'
import type { Targeted } from './targeted.ts'
import { readMatch, readModify } from './traffic-route-http.ts'
import { isHttpService, type World } from './world.ts'

/**
 * A TrafficRoute: `http` becomes a MeshHTTPRoute, with what is outside of it (`split`, `destination`) as the rule for all other requests;
 * for services that do not speak HTTP, or of which that is not known, that is a MeshTCPRoute too. `loadBalancer` becomes a
 * MeshLoadBalancingStrategy.
 */
export function convertTrafficRoute(source: Source, world: World, out: Output): void {
  const conf = source.spec.member('conf')
  if (conf === undefined) {
    source.root.drop('it has no conf')
    return
  }
  addLoadBalancer(conf.member('loadBalancer'), source, world, out)
  const others = readBackends(conf, source, world, out)
  const rules = (conf.member('http')?.items() ?? []).flatMap(item => readHttp(item, source, world, out))
  if (others.kind === 'impossible') {
    for (const list of ['split', 'destination']) conf.member(list)?.drop(others.why)
  }
  const backendRefs = others.kind === 'ok' ? others.value : []
  if (rules.length === 0 && backendRefs.length === 0) {
    if (isDefaultRoute(conf))
      for (const list of ['sources', 'destinations']) source.spec.member(list)?.keep('what no route matches goes to its own service')
    return
  }
  for (const match of legacySelectors(source, 'destinations')) {
    const refs = servicesOf(match, source.mesh, world)
    if (refs.some(({ kind }) => kind === 'Mesh')) match.drop('a route is for a service: name each')
    else if (refs.length > 0) addRoutes(source, { refs, match, rules, backendRefs }, world, out)
  }
}

interface Route {
  readonly refs: readonly TargetRef[]
  readonly match: Field
  readonly rules: readonly object[]
  readonly backendRefs: readonly BackendRef[]
}

function addRoutes(source: Source, { refs, match, rules, backendRefs }: Route, world: World, out: Output): void {
  const speaksHttp = isHttpService(world, source.mesh, match.text(serviceTag) ?? '')
  const rest = backendRefs.length > 0 ? [{ matches: [everyPath], default: { backendRefs } }] : []
  const http = refs.map(targetRef => ({ targetRef, rules: [...rules, ...rest] }))
  const tcp = refs.map(targetRef => ({ targetRef, rules: [{ default: { backendRefs } }] }))
  for (const sourceMatch of legacySelectors(source, 'sources')) {
    const target = proxiesOf(sourceMatch)
    if (target === null) continue
    if (rules.length > 0 || speaksHttp !== false)
      out.add(source, { kind: 'MeshHTTPRoute', spec: { ...topOf(target), to: http }, field: match })
    if (backendRefs.length > 0 && speaksHttp !== true)
      out.add(source, { kind: 'MeshTCPRoute', spec: { ...topOf(target), to: tcp }, field: match })
  }
}

/** The route that a mesh of Kuma 2 began with: everything to its own service. */
function isDefaultRoute(conf: Field): boolean {
  const service = conf.text('destination', serviceTag)
  if (service === undefined) return conf.member('loadBalancer') !== undefined
  return service === '*'
}

/** `split`, or one `destination`; none, where that is every service. */
function readBackends(field: Field, source: Source, world: World, out: Output): Targeted<readonly BackendRef[]> {
  const one = field.member('destination')
  if (one !== undefined) {
    if (one.text(serviceTag) === '*') {
      one.keep('what no route matches goes to its own service')
      return { kind: 'ok', value: [] }
    }
    const ref = backendByTags(one, source, world, out)
    return ref.kind === 'ok' ? { kind: 'ok', value: [ref.value] } : ref
  }
  const refs: BackendRef[] = []
  for (const item of field.member('split')?.items() ?? []) {
    const destination = item.member('destination')
    const ref = destination === undefined ? undefined : backendByTags(destination, source, world, out)
    if (ref === undefined || ref.kind === 'impossible') return { kind: 'impossible', why: ref?.why ?? 'it has no destination' }
    const weight = item.member('weight')?.keep()
    refs.push({ ...ref.value, weight: typeof weight === 'number' ? weight : 1 })
  }
  return { kind: 'ok', value: refs }
}

function readHttp(item: Field, source: Source, world: World, out: Output): object[] {
  const backends = readBackends(item, source, world, out)
  const match = readMatch(item.member('match'))
  const filters = readModify(item.member('modify'))
  const wrong = [backends, match, filters].find(it => it.kind === 'impossible')
  if (backends.kind === 'impossible' || match.kind === 'impossible' || filters.kind === 'impossible') {
    item.drop(wrong?.kind === 'impossible' ? wrong.why : '')
    return []
  }
  return [
    {
      matches: [match.value],
      default: {
        ...(filters.value.length > 0 ? { filters: filters.value } : {}),
        ...(backends.value.length > 0 ? { backendRefs: backends.value } : {}),
      },
    },
  ]
}

const balancers: Readonly<Record<string, string>> = {
  roundRobin: 'RoundRobin',
  leastRequest: 'LeastRequest',
  ringHash: 'RingHash',
  random: 'Random',
  maglev: 'Maglev',
}

function addLoadBalancer(field: Field | undefined, source: Source, world: World, out: Output): void {
  if (field === undefined) return
  const found = Object.entries(balancers).find(([name]) => field.member(name) !== undefined)
  if (found === undefined) {
    field.drop('there is no such load balancer')
    return
  }
  const [name, type] = found
  const inner = field.member(name)!
  const moved = moveFields(inner, [
    { from: 'choiceCount', to: 'choiceCount' },
    { from: 'hashFunction', to: 'hashFunction', value: it => ({ XX_HASH: 'XXHash', MURMUR_HASH_2: 'MurmurHash2' })[String(it)] },
    { from: 'minRingSize', to: 'minRingSize', value: Number },
    { from: 'maxRingSize', to: 'maxRingSize', value: Number },
  ])
  if (inner.members().length === 0) inner.keep(`as ${type}`)
  addOutbound(
    source,
    'MeshLoadBalancingStrategy',
    { loadBalancer: { type, ...(Object.keys(moved).length > 0 ? { [name]: moved } : {}) } },
    world,
    out,
  )
}
