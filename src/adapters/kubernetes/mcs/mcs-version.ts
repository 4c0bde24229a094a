import { type ApiClient, ApiError } from '../api-client.ts'
import { mcsGroup } from './mcs-objects.ts'

/** The version in which this cluster would rather speak of exported and imported services; null: it has none of them. @throws SourceCallError */
export async function mcsVersion(client: ApiClient, signal: AbortSignal): Promise<string | null> {
  try {
    const group = await client.json<{ preferredVersion?: { version?: unknown } } | null>({ path: `/apis/${mcsGroup}`, signal })
    const version = group?.preferredVersion?.version
    return typeof version === 'string' && version !== '' ? version : null
  } catch (error) {
    // Who may not even ask which APIs there are is no reader of this one.
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return null
    throw error
  }
}
