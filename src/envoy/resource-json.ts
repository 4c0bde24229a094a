import { createRegistry, type DescMessage, fromBinary, fromJson, type JsonValue, type Registry, toBinary, toJson } from '@bufbuild/protobuf'
import { ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.js'
import { VirtualHostSchema } from '../gen/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.js'
import { file_envoy_config_trace_v3_datadog } from '../gen/envoy/config/trace/v3/datadog_pb.js'
import { file_envoy_config_trace_v3_opentelemetry } from '../gen/envoy/config/trace/v3/opentelemetry_pb.js'
import { file_envoy_config_trace_v3_zipkin } from '../gen/envoy/config/trace/v3/zipkin_pb.js'
import { file_envoy_extensions_access_loggers_file_v3_file } from '../gen/envoy/extensions/access_loggers/file/v3/file_pb.js'
import { file_envoy_extensions_access_loggers_open_telemetry_v3_logs_service } from '../gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js'
import { file_envoy_extensions_filters_http_aws_lambda_v3_aws_lambda } from '../gen/envoy/extensions/filters/http/aws_lambda/v3/aws_lambda_pb.js'
import { file_envoy_extensions_filters_http_fault_v3_fault } from '../gen/envoy/extensions/filters/http/fault/v3/fault_pb.js'
import { file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit } from '../gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { file_envoy_extensions_filters_http_on_demand_v3_on_demand } from '../gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js'
import { file_envoy_extensions_filters_http_rbac_v3_rbac } from '../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { file_envoy_extensions_filters_http_router_v3_router } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import { file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector } from '../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit } from '../gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
import { file_envoy_extensions_filters_network_rbac_v3_rbac } from '../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy } from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { file_envoy_extensions_health_check_event_sinks_file_v3_file } from '../gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.js'
import { file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config } from '../gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js'
import { file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts } from '../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import { file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config } from '../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
import { SecretSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { file_envoy_extensions_transport_sockets_tls_v3_tls_spiffe_validator_config } from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js'
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import { type EnvoyResource, type TypeUrl, typeUrls } from './resources.ts'

const schemas: Readonly<Record<TypeUrl, DescMessage>> = {
  [typeUrls.listener]: ListenerSchema,
  [typeUrls.routes]: RouteConfigurationSchema,
  [typeUrls.virtualHost]: VirtualHostSchema,
  [typeUrls.cluster]: ClusterSchema,
  [typeUrls.endpoints]: ClusterLoadAssignmentSchema,
  [typeUrls.secret]: SecretSchema,
}

/** Everything that stands in an Any of what we send. */
const extensions = [
  file_envoy_config_trace_v3_datadog,
  file_envoy_config_trace_v3_opentelemetry,
  file_envoy_config_trace_v3_zipkin,
  file_envoy_extensions_access_loggers_file_v3_file,
  file_envoy_extensions_access_loggers_open_telemetry_v3_logs_service,
  file_envoy_extensions_filters_http_aws_lambda_v3_aws_lambda,
  file_envoy_extensions_filters_http_fault_v3_fault,
  file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_health_check_event_sinks_file_v3_file,
  file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config,
  file_envoy_extensions_filters_http_on_demand_v3_on_demand,
  file_envoy_extensions_filters_http_rbac_v3_rbac,
  file_envoy_extensions_filters_http_router_v3_router,
  file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_filters_network_rbac_v3_rbac,
  file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
  file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts,
  file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config,
  file_envoy_extensions_transport_sockets_tls_v3_tls,
  file_envoy_extensions_transport_sockets_tls_v3_tls_spiffe_validator_config,
  file_envoy_extensions_upstreams_http_v3_http_protocol_options,
]

let known: Registry | undefined

function registry(): Registry {
  known ??= createRegistry(...extensions)
  return known
}

export function schemaOf(type: TypeUrl): DescMessage {
  return schemas[type]
}

/** https://protobuf.dev/programming-guides/json */
export function toResourceJson({ type, bytes }: EnvoyResource): JsonValue {
  return toJson(schemas[type], fromBinary(schemas[type], bytes), { registry: registry() })
}

/** Throws where it is not a message of that type, or has an extension in it that we do not know. */
export function fromResourceJson(type: TypeUrl, json: JsonValue): EnvoyResource {
  const message = fromJson(schemas[type], json, { registry: registry() })
  return { type, name: (message as unknown as { name: string }).name, bytes: toBinary(schemas[type], message) }
}

/** The same message with its fields named as JSON names them. Throws where it is none. */
export function normalJson(schema: DescMessage, json: JsonValue): JsonValue {
  return toJson(schema, fromJson(schema, json, { registry: registry() }), { registry: registry() })
}

/** Resources in the JSON form of protobuf (https://protobuf.dev/programming-guides/json), by type URL, then by name, both sorted. */
export function envoyResourcesJson(resources: readonly EnvoyResource[]): Record<string, Record<string, unknown>> {
  const byType: Record<string, Record<string, unknown>> = {}
  for (const resource of resources.toSorted(byTypeAndName)) {
    const named = byType[resource.type] ?? {}
    byType[resource.type] = named
    named[resource.name] = toResourceJson(resource)
  }
  return byType
}

function byTypeAndName(a: EnvoyResource, b: EnvoyResource): number {
  return a.type < b.type ? -1 : a.type > b.type ? 1 : a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
