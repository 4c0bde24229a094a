import { join } from 'node:path'
import { isIpAddress } from '../model/address.ts'
import { agentCluster } from './tls.ts'

export interface KumaDpBootstrapOptions {
  readonly mesh: string
  /** The Dataplane's. */
  readonly name: string
  /** The workload. */
  readonly service: string
  /** Where this Envoy reaches its zone. */
  readonly zone: { readonly host: string; readonly port: number }
  /** A name that the zone's certificate carries, and the CA that signed it. */
  readonly serverName: string
  readonly caPem: string
  /** The proxy's own. */
  readonly token: string
  /** The Dataplane, as its owner wrote it: whoever serves its first stream registers it. */
  readonly dataplane: string
  readonly kumaDpVersion: string
  /** Where kuma-dp keeps its files; it finds Envoy's administration there. */
  readonly workDirectory: string
}

/** Keys of the node's metadata: what an Envoy of kuma-dp says of itself with every stream. */
export const kumaDpMetadata = {
  proxyType: 'dataplane.proxyType',
  dataplane: 'dataplane.resource',
  version: 'version',
  /** Envoy's requests for secrets have no place for a token but this. */
  token: 'skerry.token',
} as const

/**
 * What Kuma's kuma-dp starts its Envoy with, in the JSON form of envoy.config.bootstrap.v3.Bootstrap. It has no agent of ours beside it: configuration
 * and certificate both come from the zone itself. https://github.com/kumahq/kuma/blob/master/pkg/xds/bootstrap/template_v3.go
 */
export function kumaDpBootstrap(options: KumaDpBootstrapOptions): object {
  const { mesh, name, service, token, workDirectory } = options
  // Without an end: an Envoy that has never been told anything has nothing to serve, and must not count as started.
  const overAds = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' }
  const adminSocket = join(workDirectory, 'kuma-envoy-admin.sock')
  return {
    node: {
      id: `${mesh}.${name}`,
      cluster: service,
      metadata: {
        [kumaDpMetadata.proxyType]: 'dataplane',
        [kumaDpMetadata.dataplane]: options.dataplane,
        [kumaDpMetadata.token]: token,
        [kumaDpMetadata.version]: { kumaDp: { version: options.kumaDpVersion } },
        'dataplane.admin.socketPath': adminSocket,
      },
    },
    admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } },
    dynamicResources: {
      ldsConfig: overAds,
      cdsConfig: overAds,
      adsConfig: {
        apiType: 'DELTA_GRPC',
        transportApiVersion: 'V3',
        setNodeOnFirstMessageOnly: true,
        grpcServices: [
          {
            envoyGrpc: {
              clusterName: agentCluster,
              // Half a second to half a minute by default: longer than a zone's control plane takes to come back.
              retryPolicy: { retryBackOff: { baseInterval: '0.1s', maxInterval: '2s' } },
            },
            initialMetadata: [{ key: 'authorization', value: `Bearer ${token}` }],
          },
        ],
      },
    },
    staticResources: { clusters: [zoneCluster(options)] },
  }
}

function zoneCluster({ zone: { host, port }, serverName, caPem }: KumaDpBootstrapOptions): object {
  const validationContext = {
    trustedCa: { inlineString: caPem },
    matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact: serverName } }],
  }
  return {
    name: agentCluster,
    type: isIpAddress(host) ? 'STATIC' : 'STRICT_DNS',
    connectTimeout: '5s',
    upstreamConnectionOptions: { tcpKeepalive: { keepaliveTime: 10, keepaliveInterval: 10, keepaliveProbes: 3 } },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: { interval: '30s', timeout: '5s' } } },
      },
    },
    transportSocket: {
      name: 'envoy.transport_sockets.tls',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: serverName,
        commonTlsContext: { alpnProtocols: ['h2'], tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2' }, validationContext },
      },
    },
    loadAssignment: {
      clusterName: agentCluster,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: host, portValue: port } } } }] }],
    },
  }
}
