import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { type AdapterDeps, type Source, SourceConfigError } from '../adapter.ts'
import type { Authorization, ClusterConnection } from './connection.ts'

/**
 * The cluster that a source of type Kubernetes means: the one of its kubeconfig (by reference; else of KUBECONFIG or ~/.kube/config; else the
 * one that the control plane runs in), or the one at `server` with a token by reference.
 * @throws SourceConfigError
 */
export async function connectionOf({ name, spec }: Source, deps: AdapterDeps): Promise<ClusterConnection> {
  const { server, context, caCert } = spec.kubernetes ?? {}
  const locality = { cluster: context ?? name }
  const secret =
    spec.credentials?.type === 'Reference' ? Buffer.from(await deps.secret(spec.credentials.reference)).toString('utf8') : undefined
  const caData = caCert === undefined ? undefined : Buffer.from(await deps.secret(caCert)).toString('base64')
  if (secret !== undefined && !isKubeConfig(secret)) {
    if (server === undefined) throw new SourceConfigError('kubernetes.server', 'is needed with a token: write https://HOST:PORT')
    const { credentials } = spec
    if (credentials?.type !== 'Reference') throw new SourceConfigError('credentials', 'must refer to a token or a kubeconfig')
    // Read anew every time: a token in a file is replaced while it is used.
    const token = async () =>
      Buffer.from(await deps.secret(credentials.reference))
        .toString('utf8')
        .trim()
    return {
      id: `kubernetes/${name}`,
      locality,
      server,
      ...(caData === undefined ? {} : { caData }),
      credentials: { kind: 'token', token },
    }
  }
  // It takes 90 MB and half a second to load: only who uses it pays.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    if (secret === undefined) config.loadFromDefault()
    else config.loadFromString(secret)
  } catch (cause) {
    throw new SourceConfigError('credentials', `the kubeconfig cannot be read: ${(cause as Error).message}`)
  }
  if (context !== undefined) {
    if (!config.getContextObject(context))
      throw new SourceConfigError(
        'kubernetes.context',
        `the kubeconfig has ${
          config
            .getContexts()
            .map(it => it.name)
            .join(', ') || 'none'
        }`,
      )
    config.setCurrentContext(context)
  }
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new SourceConfigError('credentials', 'the kubeconfig has no current context: set kubernetes.context')
  const options = await applied(config)
  const ca = caData ?? (options.ca === undefined ? undefined : Buffer.from(String(options.ca)).toString('base64'))
  if (cluster.skipTLSVerify && new URL(server ?? cluster.server).protocol === 'https:')
    throw new SourceConfigError(
      'credentials',
      'insecure-skip-tls-verify is not heeded: give certificate-authority-data, or kubernetes.caCert',
    )
  if (cluster.proxyUrl) throw new SourceConfigError('credentials', 'proxy-url is not heeded: run a zone where the cluster can be reached')
  return {
    id: `kubernetes/${name}`,
    locality,
    server: server ?? cluster.server,
    ...(ca === undefined ? {} : { caData: ca }),
    ...(cluster.tlsServerName ? { serverName: cluster.tlsServerName } : {}),
    credentials: { kind: 'kubeconfig', authorize: async () => authorizationOf(config, await applied(config)) },
  }
}

/** Runs what the kubeconfig names: an exec plugin, a file with a token, a refreshed OIDC token. */
async function applied(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (cause) {
    throw new SourceConfigError('credentials', `the kubeconfig's credentials cannot be had: ${(cause as Error).message}`)
  }
  return options
}

function authorizationOf(config: KubeConfig, { headers, cert, key, auth }: RequestOptions): Authorization {
  const header = (headers as Readonly<Record<string, string>> | undefined)?.Authorization
  const basic = typeof auth === 'string' && config.getCurrentUser()?.username ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined
  const value = header ?? basic
  return {
    ...(value === undefined ? {} : { header: value }),
    ...(cert === undefined ? {} : { certPem: String(cert) }),
    ...(key === undefined ? {} : { keyPem: String(key) }),
  }
}

/** Is it a kubeconfig, or a token? Tokens have no lines. */
function isKubeConfig(text: string): boolean {
  return /^\s*(apiVersion|clusters|kind|users|contexts|current-context|preferences)\s*:|^\s*\{/m.test(text)
}
