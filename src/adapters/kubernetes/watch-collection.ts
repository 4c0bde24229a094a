import { ListAgainError, SourceCallError } from '../adapter.ts'
import { type ApiClient, ApiError, readStatus } from './api-client.ts'
import type { RawObject } from './object-facts.ts'

export interface WatchRequest {
  readonly path: string
  readonly resourceVersion: string
  /** How long the server keeps it up. */
  readonly seconds: number
  /** The server was heard to send bookmarks, about one a minute: when it is silent for longer, the connection is dead. */
  readonly sendsBookmarks: boolean
  readonly signal: AbortSignal
}

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: RawObject }

/** Bookmarks come every minute or so. ms */
const silenceBetweenBookmarksMs = 150_000
/** What the server may be late by. ms */
const graceMs = 30_000
/** Longer than any event. bytes */
const longestLine = 16 * 1024 * 1024

/**
 * Events as they come, those that came together in one batch; an empty batch says that the watch has begun. Ends when the server ends it.
 * @throws ListAgainError when the server no longer has what came after that version
 */
export async function* watchCollection(client: ApiClient, request: WatchRequest): AsyncGenerator<readonly WatchEvent[]> {
  const { path, resourceVersion, seconds, sendsBookmarks, signal } = request
  const from: Readonly<Record<string, string>> = resourceVersion === '' ? {} : { resourceVersion }
  const query = new URLSearchParams({ watch: 'true', ...from, allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) })
  const silenceMs = Math.min(seconds * 1000 + graceMs, sendsBookmarks ? silenceBetweenBookmarksMs : Number.POSITIVE_INFINITY)
  let parts: Buffer[] = []
  let bytes = 0
  try {
    const body = await client.stream({ path: `${path}?${query}`, signal, silenceMs })
    yield []
    for await (const chunk of body) {
      const batch: WatchEvent[] = []
      let start = 0
      for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
        const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
        parts = []
        bytes = 0
        start = end + 1
        if (line.trim() !== '') batch.push(readEvent(path, line))
      }
      if (start < chunk.length) {
        bytes += chunk.length - start
        if (bytes > longestLine) throw new SourceCallError('garbled', `${path}: an event of more than ${longestLine} bytes`)
        parts.push(chunk.subarray(start))
      }
      if (batch.length > 0) yield batch
    }
  } catch (error) {
    if (error instanceof ApiError && error.status === 410) throw new ListAgainError(error.message, { cause: error })
    throw error
  }
}

/** An error comes as an event, too: 200 was said long ago. */
function readEvent(path: string, line: string): WatchEvent {
  let event: { type?: unknown; object?: unknown }
  try {
    event = JSON.parse(line) as typeof event
  } catch (cause) {
    throw new SourceCallError('garbled', `${path}: an event is no JSON`, { cause })
  }
  const { type, object } = event
  if (typeof object !== 'object' || object === null) throw new SourceCallError('garbled', `${path}: an event has no object`)
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type, object }
    case 'ERROR': {
      const { code = 0 } = object as { code?: number }
      const status = readStatus(JSON.stringify(object))
      throw new ApiError(code, path, status)
    }
    default:
      throw new SourceCallError('garbled', `${path}: an event of type ${JSON.stringify(type)}`)
  }
}
