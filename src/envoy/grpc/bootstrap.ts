import { join } from 'node:path'
import { serverListenerTemplate } from './names.ts'
import { certificateProvider } from './tls.ts'

export interface GrpcBootstrapOptions {
  /** `<mesh>.<Dataplane>` */
  readonly nodeId: string
  /** The workload. */
  readonly service: string
  /** Unix socket of the process beside the application: it carries the configuration from the zone. */
  readonly adsSocket: string
  /** Absolute; where that process keeps the application's certificate (`identityFiles`). */
  readonly identityDirectory: string
}

/** What lies in the identity's directory, all of one generation. */
export const identityFiles = { chain: 'identity.pem', key: 'key.pem', roots: 'ca.pem', bundles: 'bundles.json' } as const

/** How often gRPC looks whether there is another certificate. */
const refreshInterval = '5s'

/**
 * What a gRPC application finds in the file that GRPC_XDS_BOOTSTRAP names. Holds no secret.
 * https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md#xdsclient-and-bootstrap-file
 */
export function grpcBootstrap({ nodeId, service, adsSocket, identityDirectory }: GrpcBootstrapOptions): object {
  const file = (name: string) => join(identityDirectory, name)
  return {
    // In the clear: the socket is this user's own, and grpc-js can speak no TLS to its control plane.
    xds_servers: [{ server_uri: `unix:${adsSocket}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    // grpc-js wants a locality, be it an empty one.
    node: { id: nodeId, cluster: service, locality: {}, metadata: {} },
    certificate_providers: {
      [certificateProvider]: {
        plugin_name: 'file_watcher',
        config: {
          certificate_file: file(identityFiles.chain),
          private_key_file: file(identityFiles.key),
          ca_certificate_file: file(identityFiles.roots),
          // Each root for its own trust domain, where the client knows how.
          // https://github.com/grpc/proposal/blob/master/A87-mtls-spiffe-support.md
          spiffe_trust_bundle_map_file: file(identityFiles.bundles),
          refresh_interval: refreshInterval,
        },
      },
    },
    server_listener_resource_name_template: serverListenerTemplate,
  }
}
