import { parse } from 'yaml'
import { SourceCallError } from '../adapter.ts'
import type { ClusterConnection } from '../kubernetes/connection.ts'

/** The Entra application that every AKS API server takes tokens for. https://azure.github.io/kubelogin/concepts/aks.html */
export const AKS_SERVER = '6dae42f8-4368-4678-94ff-3960e28e3630'

/** As much of a managed cluster as is read. https://learn.microsoft.com/rest/api/aks/managed-clusters/list */
export interface AksCluster {
  readonly id?: string
  readonly name?: string
  readonly location?: string
  readonly provisioningState?: string
  readonly powerState?: { readonly code?: string }
  readonly resourceUID?: string
  readonly fqdn?: string
  readonly privateFqdn?: string
}

/** Why nothing is asked of a cluster now; undefined: it can be. */
export function suspendedAks({ powerState, provisioningState }: AksCluster): string | undefined {
  if (powerState?.code === 'Stopped') return 'the cluster is stopped'
  return provisioningState === 'Creating' ? 'the cluster is being created' : undefined
}

export interface AksAccess extends Pick<ClusterConnection, 'server' | 'caData'> {
  readonly user:
    | { readonly kind: 'certificate'; readonly certPem: string; readonly keyPem: string }
    | { readonly kind: 'token'; readonly token: string }
    /** A token of Entra for this application. */
    | { readonly kind: 'entra'; readonly application: string }
}

/**
 * What a kubeconfig of AKS comes to without the programs that it names: where it calls for kubelogin, a token for the same application does.
 * Throws SourceCallError for what is no kubeconfig.
 */
export function aksAccess(kubeconfig: string): AksAccess {
  const config = readYaml(kubeconfig)
  const context = named(config.contexts, config['current-context'])?.context
  const cluster = named(config.clusters, context?.cluster)?.cluster
  const user = named(config.users, context?.user)?.user
  if (typeof cluster?.server !== 'string' || !user)
    throw new SourceCallError('garbled', 'the kubeconfig of the cluster names no server or no user')
  const caData = cluster['certificate-authority-data']
  return { server: cluster.server, ...(caData ? { caData } : {}), user: userOf(user) }
}

// biome-ignore lint/suspicious/noExplicitAny: what a server sent, of whatever shape; what is used of it is looked at
function userOf(user: any): AksAccess['user'] {
  const certificate = user['client-certificate-data']
  const key = user['client-key-data']
  // A cluster with local accounts; the static token beside them is on its way out.
  if (certificate && key) return { kind: 'certificate', certPem: fromBase64(certificate), keyPem: fromBase64(key) }
  if (user.exec || user['auth-provider']) {
    const args: unknown[] = user.exec?.args ?? []
    const application = args[args.indexOf('--server-id') + 1]
    const named = args.includes('--server-id') ? application : user['auth-provider']?.config?.['apiserver-id']
    return { kind: 'entra', application: typeof named === 'string' ? named : AKS_SERVER }
  }
  if (typeof user.token === 'string') return { kind: 'token', token: user.token }
  throw new SourceCallError('garbled', 'the kubeconfig of the cluster has a user without credentials')
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function readYaml(text: string): any {
  try {
    return parse(text) ?? {}
  } catch (cause) {
    throw new SourceCallError('garbled', `the kubeconfig of the cluster is no YAML: ${(cause as Error).message}`, { cause })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as above
function named(list: any, name: unknown): any {
  return Array.isArray(list) ? list.find(entry => entry?.name === name) : undefined
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
