import { isUrl } from '../../model/address.ts'
import type { Keywords } from '../../model/keywords.ts'
import { displayNameLabel } from '../../model/labels.ts'
import { copyKnown } from '../copy-known.ts'
import type { Field } from '../field.ts'
import type { Output } from './output.ts'
import { dnsSubdomain } from './service-name.ts'
import type { Source } from './source.ts'

/** A policy's `default` in Kuma 2 → ours: the same but for what this function knows of. */
export function convertConf(schema: Keywords, field: Field, source: Source, out: Output): Record<string, unknown> {
  const conf = copyKnown(schema, field, ['healthyPanicThreshold', ...(source.type === 'MeshLoadBalancingStrategy' ? ['loadBalancer'] : [])])
  if (typeof conf !== 'object' || conf === null) return {}
  field.member('healthyPanicThreshold')?.drop('write it as outlierDetection.healthyPanicThreshold of a MeshCircuitBreaker')
  const others = conf as Record<string, unknown>
  if (source.type === 'MeshLoadBalancingStrategy') return loadBalancing(schema, field, others)
  if (source.type === 'MeshProxyPatch') checkNames(field)
  for (const backend of field.member('backends')?.items() ?? []) moveEndpoint(backend, others, source, out)
  return others
}

/** `openTelemetry.endpoint` was a text in the policy; now the collector is a resource. */
function moveEndpoint(backend: Field, conf: Record<string, unknown>, source: Source, out: Output): void {
  const endpoint = backend.at('openTelemetry', 'endpoint')
  if (endpoint === undefined || typeof endpoint.value !== 'string') return
  const index = Number(backend.path.at(-1))
  const copied = (conf.backends as Record<string, Record<string, unknown>>[])[index]!
  copied.openTelemetry = { ...(copied.openTelemetry as object), backendRef: collectorRef(endpoint, endpoint.value, source, out) }
}

/** Makes the MeshOpenTelemetryBackend of an endpoint (`host:port`, or a URL), and gives the reference to it. */
function collectorRef(field: Field, text: string, source: Source, out: Output): object {
  const url = /^https?:[/][/]/.test(text)
  const [, address = text, port] = /^(?:[a-z]+:[/][/])?\[?([^/\]]*?)\]?(?::([0-9]+))?(?:[/].*)?$/.exec(text) ?? []
  const path = url && isUrl(text) ? new URL(text).pathname.replace(/[/]$/, '') : ''
  const name = dnsSubdomain(`otel-${address}${port === undefined ? '' : `-${port}`}`)
  out.add(source, {
    kind: 'MeshOpenTelemetryBackend',
    name,
    labels: {},
    spec: {
      endpoint: { address, ...(port === undefined ? {} : { port: Number(port) }), ...(path === '' ? {} : { path }) },
      protocol: url ? 'http' : 'grpc',
    },
    because: 'a collector is a resource that policies name',
    field,
  })
  field.revise('kept', `as MeshOpenTelemetryBackend ${name}`)
  return { kind: 'MeshOpenTelemetryBackend', labels: { [displayNameLabel]: name } }
}

/** `hashPolicies` stood within the load balancer; now beside it. */
function loadBalancing(schema: Keywords, field: Field, others: Record<string, unknown>): Record<string, unknown> {
  const loadBalancer = field.member('loadBalancer')
  if (loadBalancer === undefined) return others
  const inner = ['ringHash', 'maglev'].flatMap(name => loadBalancer.at(name, 'hashPolicies') ?? [])
  const copied = copyKnown(schema.properties!.loadBalancer!, loadBalancer)
  const moved = inner.flatMap(list => list.items().map(item => hashPolicy(schema, item)))
  return { ...others, loadBalancer: copied, ...(moved.length > 0 && others.hashPolicies === undefined ? { hashPolicies: moved } : {}) }
}

function hashPolicy(schema: Keywords, item: Field): unknown {
  const revised = item.text('type') === 'SourceIP' ? { type: 'Connection', connection: { sourceIP: true } } : undefined
  item.revise('kept', 'as hashPolicies beside the load balancer')
  return revised ?? copyKnown(schema.properties!.hashPolicies!.items!, item)
}

/** What Envoy's resources are called has changed: KRIs now. */
function checkNames(field: Field): void {
  for (const modification of field.member('appendModifications')?.items() ?? [])
    for (const [, part] of modification.members())
      for (const name of ['name', 'listenerName', 'routeConfigurationName', 'origin'])
        part.at('match', name)?.approximate("Envoy's resources are called otherwise: compare it with skerry inspect dataplane")
}
