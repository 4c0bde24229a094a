import { SourceCallError } from './adapter.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; absent or '' = this was the last one. */
  readonly next?: string | undefined
}

export interface Drained<T> {
  readonly items: readonly T[]
  readonly pages: number
  readonly complete: boolean
  /** Why some may be missing, in words for people. */
  readonly missing: readonly string[]
}

interface Options<T> {
  /** What is paged, in words for people: `tasks of cluster prod`. */
  readonly what: string
  /** What makes an item itself: one that comes twice, because things moved between two pages, counts once, as it was told last. */
  readonly idOf: (item: T) => string
  /** More pages than this are a server that never ends. */
  readonly maxPages?: number
}

/**
 * Reads a paged answer to its end. An error on the first page is thrown, for then nothing is known; on a later one, and for a token that
 * comes again, what there is is handed out as incomplete.
 */
export async function drainPages<T>(
  read: (token: string | undefined) => Promise<Page<T>>,
  { what, idOf, maxPages = 10_000 }: Options<T>,
): Promise<Drained<T>> {
  const items = new Map<string, T>()
  const tokens = new Set<string>()
  const end = (pages: number, ...missing: string[]) => ({
    items: [...items.values()],
    pages,
    complete: missing.length === 0,
    missing,
  })
  let token: string | undefined
  for (let pages = 0; ; ) {
    let page: Page<T>
    try {
      page = await read(token)
    } catch (error) {
      if (pages === 0 || !(error instanceof SourceCallError)) throw error
      return end(pages, `page ${pages + 1} of ${what} could not be read: ${error.message}`)
    }
    pages++
    for (const item of page.items) items.set(idOf(item), item)
    token = page.next
    if (token === undefined || token === '') return end(pages)
    if (tokens.has(token)) return end(pages, `the pages of ${what} run in a ring: the token of page ${pages} came before`)
    if (pages >= maxPages) return end(pages, `${what} did not end after ${maxPages} pages`)
    tokens.add(token)
  }
}
