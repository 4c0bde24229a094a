import type { AccessToken, TokenCredential } from '@azure/identity'
import { type AdapterDeps, type Source, SourceCallError, SourceConfigError } from '../adapter.ts'
import type { AzureCloud } from './cloud.ts'

/** How long a token that stands in the reference is taken for good before it is read again: whoever keeps it fresh writes it there. ms */
const REREAD_MS = 60_000

/**
 * What a source signs in to Azure with: what the machine or the pod has (managed identity, workload identity, environment, az login), or a
 * service principal or a token that is kept elsewhere. Throws SourceConfigError for a reference that is neither.
 */
export async function azureCredential(
  source: Source,
  deps: Pick<AdapterDeps, 'secret' | 'clock'>,
  cloud: AzureCloud,
): Promise<TokenCredential> {
  const { credentials } = source.spec
  if (credentials?.type !== 'Reference') return ambient(source, cloud)
  const { reference } = credentials
  const read = async () => new TextDecoder().decode(await deps.secret(reference)).trim()
  let text = await read()
  let credential = await referred(text, cloud, deps)
  return {
    // Read each time: a rotated secret is in force with the next token.
    async getToken(scopes, options) {
      const now = await read()
      if (now !== text) {
        credential = await referred(now, cloud, deps)
        text = now
      }
      return credential.getToken(scopes, options)
    },
  }
}

/** Throws SourceCallError: `denied` when Azure will not have it, `unreachable` when nobody could be asked. */
export async function azureToken(credential: TokenCredential, scope: string, signal: AbortSignal): Promise<string> {
  let token: AccessToken | null
  try {
    token = await credential.getToken(scope, { abortSignal: signal })
  } catch (cause) {
    if (cause instanceof SourceConfigError) throw cause
    const { name, message, statusCode } = cause as Error & { statusCode?: number }
    // Nothing to sign in with, or something that was refused; what fails before that is the way to the authority.
    const isRefusal = name === 'CredentialUnavailableError' || (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    const isChain = name === 'AggregateAuthenticationError' || name === 'ChainedTokenCredentialError'
    throw new SourceCallError(isRefusal || isChain ? 'denied' : 'unreachable', `no token for Azure: ${firstLine(message)}`, { cause })
  }
  if (!token) throw new SourceCallError('denied', 'no token for Azure: the credential gives none')
  return token.token
}

async function ambient({ spec: { azure } }: Source, { authorityHost }: AzureCloud): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity')
  const { tenant, clientId } = azure ?? {}
  return new DefaultAzureCredential({
    authorityHost,
    ...(tenant === undefined ? {} : { tenantId: tenant }),
    ...(clientId === undefined ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
  })
}

/** A service principal as `az ad sp create-for-rbac` prints it, with either spelling of its fields, or a bearer token as it is. */
async function referred(text: string, cloud: AzureCloud, { clock }: Pick<AdapterDeps, 'clock'>): Promise<TokenCredential> {
  if (!text.startsWith('{')) {
    if (text === '' || /\s/.test(text)) throw unusable()
    return { getToken: () => Promise.resolve({ token: text, expiresOnTimestamp: clock.now() + REREAD_MS }) }
  }
  const { ClientCertificateCredential, ClientSecretCredential } = await import('@azure/identity')
  const principal = parsed(text)
  const tenant = principal.tenantId ?? principal.tenant
  const client = principal.clientId ?? principal.appId
  const secret = principal.clientSecret ?? principal.password
  const certificate = principal.clientCertificate
  const options = { authorityHost: cloud.authorityHost }
  if (!tenant || !client) throw unusable()
  if (secret) return new ClientSecretCredential(tenant, client, secret, options)
  if (certificate) return new ClientCertificateCredential(tenant, client, { certificate }, options)
  throw unusable()
}

function parsed(text: string): Partial<Record<string, string>> {
  try {
    return JSON.parse(text)
  } catch {
    throw unusable()
  }
}

function unusable(): SourceConfigError {
  return new SourceConfigError(
    'credentials.reference',
    'must hold a service principal as JSON (tenantId, clientId, and clientSecret or clientCertificate) or an access token',
  )
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.slice(0, 300)
}
