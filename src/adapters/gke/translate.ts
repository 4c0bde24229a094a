/** As much of a cluster as is read. https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters */
export interface GkeCluster {
  readonly id?: string | null
  readonly name?: string | null
  /** A region or a zone. */
  readonly location?: string | null
  readonly status?: string | number | null
  readonly endpoint?: string | null
  readonly masterAuth?: { readonly clusterCaCertificate?: string | null } | null
  readonly controlPlaneEndpointsConfig?: {
    readonly dnsEndpointConfig?: { readonly endpoint?: string | null; readonly allowExternalTraffic?: boolean | null } | null
  } | null
}

/** Why nothing is asked of a cluster now; undefined: it can be. */
export function suspendedGke({ status, endpoint, controlPlaneEndpointsConfig }: GkeCluster): string | undefined {
  if (status === 'PROVISIONING') return 'the cluster is being created'
  return endpoint || controlPlaneEndpointsConfig?.dnsEndpointConfig?.endpoint ? undefined : 'the cluster has no endpoint'
}

/**
 * Where the API server of a cluster is. By name it is reached from anywhere, with a certificate of a public CA; by address only from where
 * the cluster lets it, with a certificate of the cluster's own.
 */
export function gkeAddress({ endpoint, masterAuth, controlPlaneEndpointsConfig }: GkeCluster): {
  readonly server: string
  readonly caData?: string
} {
  const dns = controlPlaneEndpointsConfig?.dnsEndpointConfig
  if (dns?.endpoint && (dns.allowExternalTraffic || !endpoint)) return { server: `https://${dns.endpoint}` }
  const caData = masterAuth?.clusterCaCertificate
  return { server: /^https?:/.test(endpoint ?? '') ? endpoint! : `https://${hostOf(endpoint ?? '')}`, ...(caData ? { caData } : {}) }
}

function hostOf(address: string): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]` : address
}
