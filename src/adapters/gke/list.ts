import type { ClusterManagerClient, protos } from '@google-cloud/container'
import { type Adapter, type AdapterDeps, type CallLimit, type Source, SourceCallError, SourceConfigError } from '../adapter.ts'
import { gcpToken } from '../gcp/credential.ts'
import { GcpSdkTransport } from '../gcp/sdk-transport.ts'
import { freshToken } from '../managed-cluster/fresh-token.ts'
import { type CloudCluster, type CloudClusterListing, type CloudClusters, managedClusters } from '../managed-cluster/managed-cluster.ts'
import { gkeAddress, suspendedGke } from './translate.ts'

/** Google's own library keeps tokens until they end: this only spares it the question. ms */
const TOKEN_FRESH_MS = 60_000
/** Clusters of the Google Kubernetes Engine, and what runs in them. */
export const gke: Adapter = {
  type: 'GKE',
  intervalMs: 5 * 60_000,
  open: async (source, deps) => managedClusters(await GkeClusters.open(source, deps), source, deps),
}

class GkeClusters implements CloudClusters {
  readonly #source: Source
  readonly #deps: AdapterDeps
  readonly #transport: GcpSdkTransport
  readonly #client: ClusterManagerClient

  private constructor(source: Source, deps: AdapterDeps, transport: GcpSdkTransport, client: ClusterManagerClient) {
    this.#source = source
    this.#deps = deps
    this.#transport = transport
    this.#client = client
  }

  static async open(source: Source, deps: AdapterDeps): Promise<GkeClusters> {
    const { ClusterManagerClient } = await import('@google-cloud/container')
    const transport = await GcpSdkTransport.open(source, deps)
    const client = new ClusterManagerClient({ fallback: true, authClient: transport as never, ...addressOf(source) })
    return new GkeClusters(source, deps, transport, client)
  }

  async list(signal: AbortSignal): Promise<CloudClusterListing> {
    const projects = this.#source.spec.gcp?.projects ?? []
    const clusters: CloudCluster[] = []
    const missing: string[] = []
    const errors: SourceCallError[] = []
    for (const project of projects) {
      this.#transport.within(limitOf(project), signal)
      try {
        const [answer] = await this.#client.listClusters({ parent: `projects/${project}/locations/-` })
        const { clusters: found, missingZones } = answer
        // Google's own word for a partial listing.
        missing.push(...(missingZones ?? []).map(zone => `project ${project}: ${zone} does not answer`))
        for (const cluster of found ?? []) if (this.#isWanted(cluster)) clusters.push(this.#clusterOf(project, cluster))
      } catch (cause) {
        const error = cause instanceof SourceCallError ? cause : new SourceCallError('garbled', (cause as Error).message, { cause })
        errors.push(error)
        missing.push(`project ${project}: ${error.message}`)
      }
    }
    if (errors.length > 0 && errors.length === projects.length) throw errors[0]
    return { complete: missing.length === 0, missing, clusters }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
    this.#transport[Symbol.dispose]()
  }

  #isWanted({ name, location }: protos.google.container.v1.ICluster): boolean {
    const { clusters, locations } = this.#source.spec.gcp ?? {}
    const isThere = locations?.some(wanted => location === wanted || location?.startsWith(`${wanted}-`)) ?? true
    return Boolean(name && location) && isThere && (clusters?.includes(name!) ?? true)
  }

  #clusterOf(project: string, cluster: protos.google.container.v1.ICluster): CloudCluster {
    const { name, location, id: uid } = cluster
    const id = `gcp/${project}/${location}/gke/${name}`
    // A zonal cluster's location is its zone.
    const region = location!.replace(/-[a-z]$/, '')
    const locality = { cloud: 'gcp', account: project, region, cluster: name! }
    const suspended = suspendedGke(cluster)
    const address = gkeAddress(cluster)
    const credential = this.#transport.credential
    return {
      id,
      locality,
      ...(uid ? { identity: uid } : {}),
      ...(suspended === undefined ? {} : { suspended }),
      reachedBy: `${address.server} ${address.caData ?? ''}`,
      connect: () => {
        const token = freshToken(() => gcpToken(credential), TOKEN_FRESH_MS, this.#deps.clock)
        return Promise.resolve({ id, locality, ...address, credentials: { kind: 'token', token } })
      },
    }
  }
}

/** `http://127.0.0.1:8080` as the library wants it. */
function addressOf({ spec: { gcp } }: Source): object {
  if (gcp?.endpoint === undefined) return {}
  const { protocol, hostname, port, pathname } = URL.canParse(gcp.endpoint)
    ? new URL(gcp.endpoint)
    : { protocol: '', hostname: '', port: '', pathname: '' }
  const isTls = protocol === 'https:'
  if (pathname !== '/' || !(isTls || protocol === 'http:'))
    throw new SourceConfigError('gcp.endpoint', 'must be a URL without a path, as https://container.googleapis.com')
  return { protocol: protocol.slice(0, -1), apiEndpoint: hostname, port: port === '' ? (isTls ? 443 : 80) : Number(port) }
}

/** Of 3,000 reads in a minute that a project may make, shared with everything else in it. */
function limitOf(project: string): CallLimit {
  return { key: `gcp/${project}/container-read`, perSecond: 5, burst: 20 }
}
