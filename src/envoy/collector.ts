import { create, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema, Cluster_DiscoveryType as DiscoveryType } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { HttpProtocolOptionsSchema } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { AccessLogPlan } from '../policy/mesh-access-log.ts'
import type { TracePlan } from '../policy/mesh-trace.ts'
import type { ProxyPlan } from '../policy/plan.ts'
import { duration, packed, socketAddress } from './messages.ts'

/** Where a proxy sends what it has seen: outside the mesh, in plain text. */
export interface Collector {
  readonly address: string
  readonly port: number
  readonly http2: boolean
}

/** The name of its cluster. */
export function collectorName({ address, port, http2 }: Collector): string {
  return `collector_${http2 ? 'grpc' : 'http'}_${address}_${port}`
}

/** `http://host:port/path` */
export function collectorOf(url: string): Collector {
  const { hostname, port, protocol } = new URL(url)
  return { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80), http2: false }
}

export function otelCollector({ address, port, protocol }: { address: string; port: number; protocol: 'grpc' | 'http' }): Collector {
  return { address, port, http2: protocol === 'grpc' }
}

/** All that a plan sends to, each once. */
export function collectorsOf(plan: ProxyPlan): Collector[] {
  const found = new Map<string, Collector>()
  const add = (collector: Collector) => found.set(collectorName(collector), collector)
  for (const trace of tracesOf(plan)) add(traceCollector(trace))
  for (const log of accessLogsOf(plan)) if (log.type === 'otel') add(otelCollector(log.endpoint))
  return [...found.values()]
}

function* tracesOf(plan: ProxyPlan): Generator<TracePlan> {
  if (plan.trace) yield plan.trace
  for (const listener of plan.listeners) if (listener.kind === 'agentless' && listener.trace) yield listener.trace
}

export function traceCollector({ backend }: TracePlan): Collector {
  return backend.type === 'otel' ? otelCollector(backend.endpoint) : collectorOf(backend.url)
}

export function encodeCollector(collector: Collector): Uint8Array {
  const name = collectorName(collector)
  const endpoint = { address: socketAddress(collector.address, collector.port) }
  return toBinary(
    ClusterSchema,
    create(ClusterSchema, {
      name,
      clusterDiscoveryType: { case: 'type', value: DiscoveryType.STRICT_DNS },
      connectTimeout: duration(5000),
      loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: endpoint } }] }] },
      ...(collector.http2
        ? {
            typedExtensionProtocolOptions: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packed(HttpProtocolOptionsSchema, {
                upstreamProtocolOptions: {
                  case: 'explicitHttpConfig',
                  value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } },
                },
              }),
            },
          }
        : {}),
    }),
  )
}

function* accessLogsOf({ listeners, onDemand }: ProxyPlan): Generator<AccessLogPlan> {
  for (const listener of listeners) {
    if (listener.kind === 'inbound' || listener.kind === 'agentless' || listener.kind === 'gateway') yield* listener.accessLogs
    if (listener.kind === 'outbound')
      yield* listener.target.protocol === 'tcp' ? listener.target.accessLogs : listener.target.virtualHost.accessLogs
  }
  for (const host of onDemand) yield* host.accessLogs
}
