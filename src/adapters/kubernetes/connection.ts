import type { Locality } from '../adapter.ts'

/** A cluster that is known: where its API server is, and who we are there. */
export interface ClusterConnection {
  /** The scope that it becomes: `aws/123456789012/eu-central-1/eks/prod`. */
  readonly id: string
  /** What holds for everything in it; regions and zones of nodes are more exact. */
  readonly locality: Locality
  /** `https://HOST[:PORT][/PATH]`; `http://` on loopback alone. */
  readonly server: string
  /** Base64 of PEM, as kubeconfigs have it; absent = the roots that this machine trusts. */
  readonly caData?: string
  /** The name in the server's certificate, where it is not the one in `server`. */
  readonly serverName?: string
  readonly credentials: ClusterCredentials
}

export type ClusterCredentials =
  /** @param refused the token that the server has just answered 401 to: another one is wanted, not the same from a cache */
  | { readonly kind: 'token'; readonly token: (refused?: string) => Promise<string> }
  | { readonly kind: 'certificate'; readonly certPem: string; readonly keyPem: string }
  /** Asked before every request: what a kubeconfig and its plugins come to. */
  | { readonly kind: 'kubeconfig'; readonly authorize: () => Promise<Authorization> }

export interface Authorization {
  /** Value of the header of that name. */
  readonly header?: string
  readonly certPem?: string
  readonly keyPem?: string
}
