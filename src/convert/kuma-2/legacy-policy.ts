import type { TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { callersByTags, everyCaller } from './identity-match.ts'
import { faultMoves, outboundPolicies, rateLimitMoves, retryConditions } from './legacy-confs.ts'
import { legacySelectors, proxiesOf, servicesOf } from './legacy-selectors.ts'
import { moveFields } from './move-fields.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

/** Timeout, CircuitBreaker, HealthCheck and Retry: `sources` are the proxies, `destinations` what goes out of them. */
export function convertOutbound(source: Source, world: World, out: Output): void {
  const { kind, moves } = outboundPolicies[source.type]!
  const field = source.spec.member('conf')
  const conf = moveFields(field, moves)
  if (source.type === 'Retry') readRetryConditions(field, conf)
  field
    ?.member('healthyPanicThreshold')
    ?.drop('write it as outlierDetection.healthyPanicThreshold of a MeshCircuitBreaker, which must have detectors')
  addOutbound(source, kind, conf, world, out)
}

/** A policy for each of the sources, with an item of `to` for each of the destinations. */
export function addOutbound(source: Source, kind: string, conf: object, world: World, out: Output): void {
  const to = legacySelectors(source, 'destinations').flatMap(match =>
    servicesOf(match, source.mesh, world).map(targetRef => out.item({ targetRef, default: conf }, match)),
  )
  if (to.length === 0 || Object.keys(conf).length === 0) {
    source.root.drop(to.length === 0 ? 'no destination of it is left: see its fields' : 'nothing of its conf is left: see its fields')
    return
  }
  for (const { target, field } of targetsOf(source, 'sources')) out.add(source, { kind, spec: { ...topOf(target), to }, field })
}

/** Each of the proxies that a list of selectors names, with the selector. */
export function targetsOf(
  source: Source,
  list: 'sources' | 'destinations' | 'selectors',
): { target: TargetRef | undefined; field: Field }[] {
  return legacySelectors(source, list).flatMap(field => {
    const target = proxiesOf(field, { isOfHttp: source.type === 'FaultInjection' || source.type === 'RateLimit' })
    return target === null ? [] : [{ target, field }]
  })
}

function readRetryConditions(field: Field | undefined, conf: Record<string, unknown>): void {
  const http = field?.member('http')
  const on = [
    ...named(http?.member('retryOn')),
    ...(http?.member('retriableStatusCodes')?.items() ?? []).map(item => String(item.keep('as retryOn'))),
    ...(http?.member('retriableMethods')?.items() ?? []).map(item => methodCondition(item)),
  ]
  if (on.length > 0) conf.http = { ...(conf.http as object), retryOn: [...new Set(on)] }
  const ofGrpc = named(field?.at('grpc', 'retryOn'))
  if (ofGrpc.length > 0) conf.grpc = { ...(conf.grpc as object), retryOn: ofGrpc }
}

function methodCondition(item: Field): string {
  const method = String(item.keep('as retryOn'))
  return `HttpMethod${method.charAt(0).toUpperCase()}${method.slice(1).toLowerCase()}`
}

function named(list: Field | undefined): string[] {
  return (list?.items() ?? []).flatMap(item => {
    const name = retryConditions[String(item.value)]
    if (name === undefined) {
      if (String(item.value) === 'retriable_status_codes') item.keep('the status codes themselves stand in retryOn')
      else item.drop('there is no such condition')
      return []
    }
    item.keep(`as ${name}`)
    return [name]
  })
}

/** FaultInjection and RateLimit: `destinations` are the proxies, `sources` their callers. */
export function convertInbound(source: Source, world: World, out: Output): void {
  const isFault = source.type === 'FaultInjection'
  const moved = moveFields(source.spec.member('conf'), isFault ? faultMoves : rateLimitMoves)
  const conf = isFault ? { http: [moved] } : moved
  const rules = legacySelectors(source, 'sources').flatMap(match => {
    const found = callersByTags(source.mesh, match, world, { isOfHttp: true })
    if (found.kind === 'impossible') {
      match.drop(found.why)
      return []
    }
    const isEveryone = JSON.stringify(found.value) === JSON.stringify(everyCaller(source.mesh))
    return [out.item({ ...(isEveryone ? {} : { matches: found.value }), default: conf }, match)]
  })
  if (rules.length === 0) {
    source.root.drop('no caller of it is left: see its sources')
    return
  }
  for (const { target, field } of targetsOf(source, 'destinations'))
    out.add(source, { kind: `Mesh${source.type}`, spec: { ...topOf(target), rules }, field })
}
