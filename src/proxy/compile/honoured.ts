import type { DescField, DescMessage, Message } from '@bufbuild/protobuf'
import { isFieldSet } from '@bufbuild/protobuf'
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt'
import { OnDemandSchema } from '../../gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.js'
import { RBACSchema as HttpRbacSchema } from '../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { RouterSchema } from '../../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import { TlsInspectorSchema } from '../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js'
import { HttpConnectionManagerSchema } from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { RBACSchema as NetworkRbacSchema } from '../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import { TcpProxySchema } from '../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { PreviousHostsPredicateSchema } from '../../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js'
import { PreviousPrioritiesConfigSchema } from '../../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { SPIFFECertValidatorConfigSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js'
import { HttpProtocolOptionsSchema } from '../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'

/**
 * Every field of Envoy's messages that this proxy acts on, or may pass over because it is for people (`stat_prefix`, `metadata`).
 * A message that is not in the table is taken whole. Whoever teaches the proxy a field adds it here; what is missing is rejected.
 */
const honoured: Readonly<Record<string, string>> = {
  'envoy.config.listener.v3.Listener':
    'name address internal_listener filter_chains listener_filters stat_prefix traffic_direction metadata',
  'envoy.config.listener.v3.ListenerFilter': 'name typed_config',
  'envoy.config.listener.v3.FilterChain': 'name filter_chain_match filters transport_socket metadata',
  'envoy.config.listener.v3.FilterChainMatch': 'server_names transport_protocol',
  'envoy.config.listener.v3.Filter': 'name typed_config',
  'envoy.config.listener.v3.Listener.InternalListenerConfig': '',
  'envoy.config.core.v3.Address': 'socket_address envoy_internal_address',
  'envoy.config.core.v3.EnvoyInternalAddress': 'server_listener_name',
  'envoy.config.core.v3.SocketAddress': 'address port_value',
  'envoy.config.core.v3.TransportSocket': 'name typed_config',
  'envoy.config.core.v3.TypedExtensionConfig': 'name typed_config',
  'envoy.config.core.v3.ConfigSource': 'ads resource_api_version initial_fetch_timeout',
  'envoy.config.core.v3.DataSource': 'inline_string inline_bytes',
  'envoy.config.core.v3.HeaderValueOption': 'header append_action keep_empty_value',
  'envoy.config.core.v3.HeaderValue': 'key value',
  'envoy.config.core.v3.HttpProtocolOptions': 'idle_timeout',
  'envoy.config.core.v3.Http1ProtocolOptions': '',
  'envoy.config.core.v3.Http2ProtocolOptions': '',
  'envoy.type.matcher.v3.StringMatcher': 'exact prefix suffix contains safe_regex ignore_case',
  'envoy.type.matcher.v3.RegexMatcher': 'regex google_re2',
  'envoy.type.matcher.v3.RegexMatcher.GoogleRE2': '',
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': 'pattern substitution',

  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': '',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager':
    'codec_type stat_prefix rds route_config http_filters',
  'envoy.extensions.filters.network.http_connection_manager.v3.Rds': 'config_source route_config_name',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter': 'name typed_config',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': 'stat_prefix cluster weighted_clusters',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster': 'clusters',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight': 'name weight',
  'envoy.extensions.filters.network.rbac.v3.RBAC': 'rules stat_prefix',
  'envoy.extensions.filters.http.rbac.v3.RBAC': 'rules',
  'envoy.extensions.filters.http.router.v3.Router': 'suppress_envoy_headers',
  'envoy.extensions.filters.http.on_demand.v3.OnDemand': '',
  'envoy.config.rbac.v3.RBAC': 'action policies',
  'envoy.config.rbac.v3.Policy': 'permissions principals',
  'envoy.config.rbac.v3.Permission': 'any',
  'envoy.config.rbac.v3.Principal': 'any authenticated or_ids',
  'envoy.config.rbac.v3.Principal.Set': 'ids',
  'envoy.config.rbac.v3.Principal.Authenticated': 'principal_name',

  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': 'common_tls_context require_client_certificate',
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': 'common_tls_context sni',
  'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext':
    'alpn_protocols tls_certificate_sds_secret_configs validation_context_sds_secret_config combined_validation_context',
  'envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext':
    'default_validation_context validation_context_sds_secret_config',
  'envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext': 'match_typed_subject_alt_names custom_validator_config',
  'envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher': 'san_type matcher',
  'envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig': 'name sds_config',
  'envoy.extensions.transport_sockets.tls.v3.Secret': 'name validation_context',
  'envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig': 'trust_domains',
  'envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig.TrustDomain': 'name trust_bundle',

  'envoy.config.route.v3.RouteConfiguration':
    'name virtual_hosts vhds ignore_port_in_host_matching request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove',
  'envoy.config.route.v3.Vhds': 'config_source',
  'envoy.config.route.v3.VirtualHost':
    'name domains routes request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove metadata',
  'envoy.config.route.v3.Route':
    'name match route redirect direct_response request_headers_to_add request_headers_to_remove response_headers_to_add response_headers_to_remove stat_prefix metadata',
  'envoy.config.route.v3.RouteMatch': 'prefix path safe_regex path_separated_prefix case_sensitive headers query_parameters',
  'envoy.config.route.v3.HeaderMatcher':
    'name exact_match safe_regex_match present_match prefix_match suffix_match contains_match string_match invert_match',
  'envoy.config.route.v3.QueryParameterMatcher': 'name string_match present_match',
  'envoy.config.route.v3.RouteAction': 'cluster weighted_clusters timeout retry_policy prefix_rewrite regex_rewrite host_rewrite_literal',
  'envoy.config.route.v3.WeightedCluster': 'clusters',
  'envoy.config.route.v3.WeightedCluster.ClusterWeight': 'name weight',
  'envoy.config.route.v3.RetryPolicy':
    'retry_on num_retries per_try_timeout retry_host_predicate host_selection_retry_max_attempts retry_priority retry_back_off retriable_status_codes retriable_headers',
  'envoy.config.route.v3.RetryPolicy.RetryHostPredicate': 'name typed_config',
  'envoy.config.route.v3.RetryPolicy.RetryPriority': 'name typed_config',
  'envoy.config.route.v3.RetryPolicy.RetryBackOff': 'base_interval max_interval',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate': '',
  'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig': 'update_frequency',
  'envoy.config.route.v3.RedirectAction':
    'https_redirect scheme_redirect host_redirect port_redirect path_redirect prefix_rewrite response_code',
  'envoy.config.route.v3.DirectResponseAction': 'status body',

  'envoy.config.cluster.v3.Cluster':
    'name alt_stat_name type eds_cluster_config connect_timeout load_assignment circuit_breakers outlier_detection lb_policy round_robin_lb_config least_request_lb_config common_lb_config transport_socket typed_extension_protocol_options metadata',
  'envoy.config.cluster.v3.Cluster.EdsClusterConfig': 'eds_config service_name',
  'envoy.config.cluster.v3.Cluster.RoundRobinLbConfig': 'slow_start_config',
  'envoy.config.cluster.v3.Cluster.LeastRequestLbConfig': 'choice_count slow_start_config',
  'envoy.config.cluster.v3.Cluster.SlowStartConfig': 'slow_start_window',
  'envoy.config.cluster.v3.Cluster.CommonLbConfig': 'healthy_panic_threshold locality_weighted_lb_config',
  'envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig': '',
  'envoy.config.cluster.v3.CircuitBreakers': 'thresholds',
  'envoy.config.cluster.v3.CircuitBreakers.Thresholds': 'priority max_connections max_pending_requests max_requests max_retries',
  'envoy.config.cluster.v3.OutlierDetection':
    'consecutive_5xx interval base_ejection_time max_ejection_percent enforcing_consecutive_5xx enforcing_success_rate consecutive_gateway_failure enforcing_consecutive_gateway_failure split_external_local_origin_errors consecutive_local_origin_failure enforcing_consecutive_local_origin_failure enforcing_local_origin_success_rate max_ejection_time',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': 'common_http_protocol_options explicit_http_config',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig': 'http_protocol_options http2_protocol_options',

  'envoy.config.endpoint.v3.ClusterLoadAssignment': 'cluster_name endpoints policy',
  'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy': 'overprovisioning_factor',
  'envoy.config.endpoint.v3.LocalityLbEndpoints': 'locality lb_endpoints load_balancing_weight priority metadata',
  'envoy.config.endpoint.v3.LbEndpoint': 'endpoint health_status metadata load_balancing_weight',
  'envoy.config.endpoint.v3.Endpoint': 'address hostname',
}

/** What may stand inside an Any. */
export const extensions: ReadonlyMap<string, DescMessage> = new Map(
  [
    DownstreamTlsContextSchema,
    HttpConnectionManagerSchema,
    HttpProtocolOptionsSchema,
    HttpRbacSchema,
    NetworkRbacSchema,
    OnDemandSchema,
    PreviousHostsPredicateSchema,
    PreviousPrioritiesConfigSchema,
    RouterSchema,
    SPIFFECertValidatorConfigSchema,
    TcpProxySchema,
    TlsInspectorSchema,
    UpstreamTlsContextSchema,
  ].map(schema => [schema.typeName, schema]),
)

/** Every field that is set and not honoured, with its path, also inside extensions. */
export function unhonoured(schema: DescMessage, message: Message): string[] {
  const reasons: string[] = []
  visit(schema, message, '', reasons)
  return reasons
}

interface Check {
  /** Fields that nobody reads. */
  readonly refused: readonly DescField[]
  /** Fields to look into. */
  readonly nested: readonly (DescField & { readonly message: DescMessage })[]
}

const checks = new Map<DescMessage, Check | null>()

function checkOf(schema: DescMessage): Check | null {
  let check = checks.get(schema)
  if (check === undefined) {
    const names = honoured[schema.typeName]?.split(' ')
    check = names === undefined ? null : divide(schema.fields, new Set(names))
    checks.set(schema, check)
  }
  return check
}

function divide(fields: readonly DescField[], names: ReadonlySet<string>): Check {
  const isNested = (field: DescField): field is DescField & { readonly message: DescMessage } =>
    field.message !== undefined && (field.message.typeName === 'google.protobuf.Any' || honoured[field.message.typeName] !== undefined)
  return {
    refused: fields.filter(field => !names.has(field.name)),
    nested: fields.filter(field => names.has(field.name)).filter(isNested),
  }
}

function visit(schema: DescMessage, message: Message, path: string, reasons: string[]): void {
  const check = checkOf(schema)
  if (check === null) return
  for (const { no } of message.$unknown ?? []) reasons.push(`${path}field ${no} of ${schema.typeName} is not known to this proxy`)
  for (const field of check.refused) if (isFieldSet(message, field)) reasons.push(`${path}${field.name} is not supported by this proxy`)
  for (const field of check.nested) {
    const value = fieldValue(message, field)
    if (value === undefined) continue
    if (field.fieldKind === 'list') {
      for (const [index, item] of (value as Message[]).entries()) enter(field.message, item, `${path}${field.name}[${index}]`, reasons)
    } else if (field.fieldKind === 'map') {
      for (const [key, item] of Object.entries(value as Record<string, Message>))
        enter(field.message, item, `${path}${field.name}[${key}]`, reasons)
    } else enter(field.message, value as Message, `${path}${field.name}`, reasons)
  }
}

function enter(schema: DescMessage, message: Message, path: string, reasons: string[]): void {
  if (schema.typeName !== 'google.protobuf.Any') {
    visit(schema, message, `${path}.`, reasons)
    return
  }
  const any = message as Any
  const extension = extensions.get(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1))
  if (extension === undefined) reasons.push(`${path}: ${any.typeUrl} is not supported by this proxy`)
  else {
    try {
      visit(extension, anyUnpack(any, extension)!, `${path}.`, reasons)
    } catch (error) {
      reasons.push(`${path}: not a ${extension.typeName}: ${(error as Error).message}`)
    }
  }
}

function fieldValue(message: Message, field: DescField): unknown {
  const values = message as unknown as Record<string, unknown>
  if (field.oneof === undefined) return values[field.localName]
  const chosen = values[field.oneof.localName] as { case?: string; value?: unknown }
  return chosen.case === field.localName ? chosen.value : undefined
}
