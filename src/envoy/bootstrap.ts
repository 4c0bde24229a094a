import { agentCluster } from './tls.ts'

export interface BootstrapOptions {
  /** `<mesh>.<Dataplane>` */
  readonly nodeId: string
  /** The workload. */
  readonly service: string
  /** Of the process that stands beside this Envoy: the zone tells two of one name apart by it. */
  readonly instanceId: string
  /** Unix socket of that process: it serves this Envoy's certificate, and carries its configuration from the zone. */
  readonly agentSocket: string
  /** Unix socket for Envoy's administration; it knows no authentication, so the file's mode has to do. */
  readonly adminSocket: string
}

/**
 * What an Envoy is started with, in the JSON form of envoy.config.bootstrap.v3.Bootstrap: where its agent is, and that everything else comes
 * from there. Holds no secret. https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/bootstrap/v3/bootstrap.proto
 */
export function envoyBootstrap({ nodeId, service, instanceId, agentSocket, adminSocket }: BootstrapOptions): object {
  // Without an end: an Envoy that has never been told anything has nothing to serve, and must not count as started.
  const overAds = { ads: {}, resourceApiVersion: 'V3', initialFetchTimeout: '0s' }
  return {
    node: { id: nodeId, cluster: service, metadata: { 'skerry.instance': instanceId } },
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
          },
        ],
      },
    },
    // A zone gateway answers for workloads without a proxy on listeners that have no port.
    bootstrapExtensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener' },
      },
    ],
    staticResources: { clusters: [agent(agentSocket)] },
  }
}

function agent(path: string): object {
  return {
    name: agentCluster,
    type: 'STATIC',
    connectTimeout: '1s',
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    },
    loadAssignment: {
      clusterName: agentCluster,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  }
}
