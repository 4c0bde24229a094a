/** Where an etcd cluster is and how to be let in. */
export interface EtcdOptions {
  /** `http://HOST:PORT` or `https://HOST:PORT`, one for each member, all with the same scheme. */
  readonly endpoints: readonly string[]
  /** Everything of this store lies under it; several stores may share a cluster. Default `/skerry`. */
  readonly prefix?: string
  /** PEM. The CA of the members' certificates; without it the system's. */
  readonly ca?: Buffer
  /** PEM. Our own certificate and its key, where the members ask for one (`--client-cert-auth`). */
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer }
  /** Whose records these are, e.g. `zone aws-1`: another's are refused. */
  readonly owner?: string
  /** Beside this path a marker remembers, on our own disk, what was acknowledged: an etcd that was emptied or put back from an old copy
   *  does not pass for ours. */
  readonly markerFor?: string
  /** Go on with what is there although more was acknowledged. */
  readonly acceptOlder?: boolean
  readonly user?: { readonly name: string; readonly password: string }
  /** Changes remembered for `watch` at least: what is older is compacted away. Compaction is a matter of the whole cluster;
   *  `false` leaves it to whoever runs it. Default 10,000. */
  readonly changeLimit?: number | false
  /** After this long a commit, or a read, rejects with StoreUnavailableError. ms, default 2,000. */
  readonly timeoutMs?: number
  /** How long a member may leave a call unanswered before the next one is asked. ms, default 700. */
  readonly attemptMs?: number
  /** Time to live of a term of leadership whose holder has gone silent, s. Default 10. */
  readonly termSeconds?: number
}

export class EtcdOptionsError extends Error {
  override name = 'EtcdOptionsError'
  readonly code = 'SKERRY_ETCD_OPTIONS'
}

/** `host:port` of each endpoint, and whether TLS is spoken. Throws EtcdOptionsError. */
export function parseEndpoints(endpoints: readonly string[]): { readonly hosts: readonly string[]; readonly isSecure: boolean } {
  if (endpoints.length === 0)
    throw new EtcdOptionsError('no etcd endpoint is named: give --etcd-endpoints http://HOST:2379, one for each member')
  const urls = endpoints.map(endpoint => {
    const url = URL.parse(endpoint)
    if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.username === '') return url
    throw new EtcdOptionsError(`${endpoint} is no etcd endpoint: write http://HOST:PORT or https://HOST:PORT`)
  })
  const schemes = new Set(urls.map(url => url.protocol))
  if (schemes.size > 1) throw new EtcdOptionsError('etcd endpoints are http and https: with TLS all of them must be https')
  return { hosts: urls.map(url => `${url.hostname}:${url.port || '2379'}`), isSecure: schemes.has('https:') }
}
