import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf'
import { type ClusterSchema, Cluster_DiscoveryType as DiscoveryType } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { ConfigSchema } from '../gen/envoy/extensions/filters/http/aws_lambda/v3/aws_lambda_pb.js'
import type { HttpFilterSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { Lambda } from '../model/kinds/dataplane.ts'
import type { LambdaClusterPlan } from '../policy/plan.ts'
import type { ClientKind } from './client-kind.ts'
import { socketAddress, typedConfig } from './messages.ts'
import { publicTls } from './tls.ts'

type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, { readonly $typeName: string }>

/** The namespace of what the built-in proxy reads in metadata. */
export const skerryMetadata = 'skerry'

/** Where a function is invoked. */
export function lambdaUrl({ region, endpoint }: Lambda): string {
  return endpoint ?? `https://lambda.${region}.${domainOf(region)}`
}

function lambdaEndpoint(lambda: Lambda): { readonly host: string; readonly port: number; readonly tls: boolean } {
  const { protocol, hostname, port } = new URL(lambdaUrl(lambda))
  return { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80), tls: protocol === 'https:' }
}

/** https://docs.aws.amazon.com/general/latest/gr/lambda-service.html */
function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/**
 * The Lambda API as a cluster. The built-in proxy reads in the metadata (namespace `skerry`) which function its requests invoke, and how;
 * Envoy has a filter for that, of which the metadata `com.amazonaws.lambda` says that it may send here.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/aws_lambda_filter
 */
export function lambdaCluster(
  { name, lambda }: LambdaClusterPlan,
  client: ClientKind,
  common: Pick<ClusterInit, 'connectTimeout' | 'circuitBreakers'>,
): ClusterInit {
  const { host, port, tls } = lambdaEndpoint(lambda)
  const endpoint = { hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(host, port) } } }
  return {
    ...common,
    name,
    clusterDiscoveryType: { case: 'type' as const, value: DiscoveryType.LOGICAL_DNS },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [endpoint] }] },
    metadata: {
      filterMetadata:
        client === 'envoy'
          ? { 'com.amazonaws.lambda': { egress_gateway: true } }
          : { [skerryMetadata]: { lambda: { ...lambda } as JsonObject } },
    },
    ...(client === 'envoy' && tls ? { transportSocket: publicTls(host) } : {}),
  }
}

/** Of an inbound that is a function, for Envoy: it signs with the credentials of the machine, and makes an event of its own form. */
export function lambdaFilter(lambda: Lambda | null): MessageInitShape<typeof HttpFilterSchema>[] {
  if (!lambda) return []
  const { host } = lambdaEndpoint(lambda)
  const config = { arn: lambda.arn, payloadPassthrough: lambda.payload === 'passthrough', hostRewrite: host }
  return [{ name: 'envoy.filters.http.aws_lambda', configType: typedConfig(ConfigSchema, config) }]
}

/** What is asked of a function and its caller, that Envoy's filter does otherwise or not at all. */
export function lambdaShortfalls({ payload, roleArn }: Lambda): string[] {
  return [
    ...(payload === 'http-2.0'
      ? ["Envoy's event has a form of its own (raw_path, query_string_parameters …) and not that of payload format 2.0"]
      : []),
    'Envoy answers 200 with the error as body when the function fails, where the built-in proxy answers 502',
    ...(roleArn === undefined ? [] : [`Envoy does not assume the role ${roleArn}: it signs with the credentials of its machine`]),
  ]
}
