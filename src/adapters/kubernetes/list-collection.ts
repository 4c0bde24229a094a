import { setImmediate as nextTurn } from 'node:timers/promises'
import { SourceCallError } from '../adapter.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { ListItems } from './list-items.ts'
import type { RawObject } from './object-facts.ts'

export interface ListedCollection {
  /** From where it can be watched; '' = from anywhere, which begins with everything there is. */
  readonly resourceVersion: string
  /** Why some may be missing. */
  readonly missing: readonly string[]
  readonly pages: number
}

export interface CollectionReader {
  readonly item: (raw: RawObject) => void
  /** The list begins anew: what was read so far does not count. */
  readonly restart: () => void
}

interface ListMetadata {
  readonly resourceVersion?: unknown
  readonly continue?: unknown
  readonly remainingItemCount?: unknown
}

const pageSize = 500
/** More pages than any cluster has objects for: a server that never ends its list. */
const mostPages = 10_000

/**
 * Reads a whole collection, page by page. When the place in a list expires under way it is read once more from its beginning; when that
 * happens again, the rest is read as it is by then, and the list counts as incomplete.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
 */
export async function listCollection(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
  reader: CollectionReader,
): Promise<ListedCollection> {
  const missing: string[] = []
  const seen = new Set<string>()
  let pages = 0
  let count = 0
  let announced = 0
  let restarts = 0
  let token = ''
  const from = (next: string) => {
    if (seen.has(next)) throw new SourceCallError('garbled', `${path}: the list turns in a circle, page ${pages} points to an earlier one`)
    seen.add(next)
    token = next
  }
  while (true) {
    signal.throwIfAborted()
    if (++pages > mostPages) throw new SourceCallError('garbled', `${path}: the list does not end`)
    const query = `limit=${pageSize}${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`
    try {
      const page = await readPage(client, `${path}?${query}`, signal, raw => {
        count++
        reader.item(raw)
      })
      announced = Math.max(announced, count + page.remaining)
      if (page.next !== '') {
        from(page.next)
        continue
      }
      if (missing.length === 0 && count < announced) missing.push(`${path}: the server spoke of ${announced} and gave ${count}`)
      return { resourceVersion: page.resourceVersion, missing, pages }
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 410 || token === '') throw error
      if (restarts++ === 0) {
        seen.clear()
        token = ''
        count = announced = 0
        reader.restart()
      } else if (error.continueToken === undefined) throw error
      else {
        missing.push(`${path}: the list expired while it was read`)
        from(error.continueToken)
      }
    }
  }
}

async function readPage(client: ApiClient, path: string, signal: AbortSignal, item: (raw: RawObject) => void) {
  const list = new ListItems(json => item(JSON.parse(json) as RawObject))
  let around: Record<string, unknown>
  try {
    for await (const chunk of await client.stream({ path, signal })) {
      list.write(chunk)
      // A server nearby sends faster than we read: others get their turn all the same.
      await nextTurn()
    }
    around = list.end()
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new SourceCallError('garbled', `${path}: ${cause.message}`, { cause })
    throw cause
  }
  const { resourceVersion = '', continue: next, remainingItemCount } = (around.metadata ?? {}) as ListMetadata
  if (typeof around.kind !== 'string' || !around.kind.endsWith('List') || typeof resourceVersion !== 'string' || !('items' in around))
    throw new SourceCallError('garbled', `${path}: the answer is no list`)
  return {
    resourceVersion,
    next: typeof next === 'string' ? next : '',
    remaining: typeof remainingItemCount === 'number' ? remainingItemCount : 0,
  }
}
