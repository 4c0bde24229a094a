import type { MessageInitShape } from '@bufbuild/protobuf'
import { DatadogConfigSchema } from '../gen/envoy/config/trace/v3/datadog_pb.js'
import type { Tracing_HttpSchema } from '../gen/envoy/config/trace/v3/http_tracer_pb.js'
import { OpenTelemetryConfigSchema } from '../gen/envoy/config/trace/v3/opentelemetry_pb.js'
import { ZipkinConfig_CollectorEndpointVersion, ZipkinConfigSchema } from '../gen/envoy/config/trace/v3/zipkin_pb.js'
import type { HttpConnectionManager_TracingSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { TraceBackendPlan, TracePlan } from '../policy/mesh-trace.ts'
import { collectorName, traceCollector } from './collector.ts'
import { typedConfig } from './messages.ts'

/** https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/observability/tracing */
export function tracing(plan: TracePlan, service: string): MessageInitShape<typeof HttpConnectionManager_TracingSchema> {
  const { overall, client, random } = plan.sampling
  return {
    overallSampling: { value: overall },
    clientSampling: { value: client },
    randomSampling: { value: random },
    customTags: plan.tags.map(tag => ({
      tag: tag.name,
      type:
        'literal' in tag
          ? { case: 'literal' as const, value: { value: tag.literal } }
          : { case: 'requestHeader' as const, value: { name: tag.header, defaultValue: tag.default ?? '' } },
    })),
    provider: provider(plan.backend, collectorName(traceCollector(plan)), service),
  }
}

function provider(backend: TraceBackendPlan, cluster: string, service: string): MessageInitShape<typeof Tracing_HttpSchema> {
  switch (backend.type) {
    case 'zipkin': {
      const { pathname, host } = new URL(backend.url)
      const version =
        backend.apiVersion === 'httpProto'
          ? ZipkinConfig_CollectorEndpointVersion.HTTP_PROTO
          : ZipkinConfig_CollectorEndpointVersion.HTTP_JSON
      return {
        name: 'envoy.tracers.zipkin',
        configType: typedConfig(ZipkinConfigSchema, {
          collectorCluster: cluster,
          collectorEndpoint: pathname,
          collectorHostname: host,
          collectorEndpointVersion: version,
          traceId128bit: backend.traceId128bit,
          sharedSpanContext: backend.sharedSpanContext,
        }),
      }
    }
    case 'datadog':
      return {
        name: 'envoy.tracers.datadog',
        configType: typedConfig(DatadogConfigSchema, { collectorCluster: cluster, serviceName: service }),
      }
    case 'otel': {
      const { endpoint } = backend
      const exporter =
        endpoint.protocol === 'grpc'
          ? { grpcService: { targetSpecifier: { case: 'envoyGrpc' as const, value: { clusterName: cluster } } } }
          : {
              httpService: {
                httpUri: {
                  uri: `http://${endpoint.address}:${endpoint.port}${endpoint.path}/v1/traces`,
                  httpUpstreamType: { case: 'cluster' as const, value: cluster },
                  timeout: { seconds: 5n },
                },
              },
            }
      return {
        name: 'envoy.tracers.opentelemetry',
        configType: typedConfig(OpenTelemetryConfigSchema, { serviceName: service, ...exporter }),
      }
    }
  }
}
