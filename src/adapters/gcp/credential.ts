import type { AuthClient } from 'google-auth-library'
import { type AdapterDeps, type Source, SourceCallError, SourceConfigError } from '../adapter.ts'

/** The one scope that both Compute Engine and the clusters' API servers take; what may be done, IAM says. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/**
 * What a source signs in to Google Cloud with: what the machine or the pod has (application default credentials), or a key, a workload
 * identity federation or a token that is kept elsewhere. Throws SourceConfigError for a reference that is none of these.
 */
export async function gcpCredential(source: Source, deps: Pick<AdapterDeps, 'secret'>): Promise<AuthClient> {
  const { credentials } = source.spec
  const { GoogleAuth, OAuth2Client } = await import('google-auth-library')
  try {
    if (credentials?.type !== 'Reference') return await new GoogleAuth({ scopes: SCOPE }).getClient()
  } catch (cause) {
    throw new SourceConfigError('credentials', (cause as Error).message)
  }
  const { reference } = credentials
  const read = async () => new TextDecoder().decode(await deps.secret(reference)).trim()
  const text = await read()
  if (text.startsWith('{')) {
    try {
      return await new GoogleAuth({ scopes: SCOPE, credentials: JSON.parse(text) }).getClient()
    } catch (cause) {
      throw new SourceConfigError('credentials.reference', `must hold a Google credential as JSON: ${(cause as Error).message}`)
    }
  }
  if (text === '' || /\s/.test(text))
    throw new SourceConfigError('credentials.reference', 'must hold a Google credential as JSON or an access token')
  const client = new OAuth2Client()
  // Asked for when the last one is over: whoever keeps the token fresh writes it to the same place.
  client.refreshHandler = async () => ({ access_token: await read(), expiry_date: Date.now() + REREAD_MS })
  return client
}

/** Longer than the library's own five minutes of haste, or it would read again for each call. ms */
const REREAD_MS = 6 * 60_000

/** Throws SourceCallError: `denied` when Google will not have it, `unreachable` when nobody could be asked. */
export async function gcpToken(client: AuthClient): Promise<string> {
  try {
    const { token } = await client.getAccessToken()
    if (token) return token
  } catch (cause) {
    if (cause instanceof SourceConfigError) throw cause
    const { message, status } = cause as Error & { status?: number }
    const isRefusal = status !== undefined && status >= 400 && status < 500
    throw new SourceCallError(isRefusal ? 'denied' : 'unreachable', `no token for Google Cloud: ${message.slice(0, 300)}`, { cause })
  }
  throw new SourceCallError('denied', 'no token for Google Cloud: the credential gives none')
}
