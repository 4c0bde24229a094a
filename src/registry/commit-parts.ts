import { CommitTooLargeError } from './store.ts'

/** What every store takes at once, bytes of content: etcd refuses requests over 1.5 MB, keys and comparisons included. */
export const partBytes = 512 * 1024
/** Of a key with what stands around it, bytes. */
const keyBytes = 200

export interface InParts<T> {
  /** Writes one part, whole or not at all. */
  readonly commit: (part: readonly T[]) => Promise<unknown>
  /** Bytes of an item's content; 0 for a deletion. Near enough is good enough: what a store refuses all the same is halved. */
  readonly sizeOf: (item: T) => number
  /** One item alone is more than the store takes. Without it that is thrown. */
  readonly onTooLarge?: (item: T, error: CommitTooLargeError) => void
}

/**
 * Writes what may be more than a store takes in one commit: in order, in parts that are commits of their own, each begun when the one
 * before is durable. Whoever uses it must be able to go on after any part.
 */
export async function commitInParts<T>(items: readonly T[], options: InParts<T>): Promise<void> {
  for (const part of parts(items, options.sizeOf)) await commitPart(part, options)
}

async function commitPart<T>(part: readonly T[], options: InParts<T>): Promise<void> {
  try {
    await options.commit(part)
  } catch (error) {
    if (!(error instanceof CommitTooLargeError)) throw error
    if (part.length === 1) {
      if (!options.onTooLarge) throw error
      options.onTooLarge(part[0]!, error)
      return
    }
    const middle = Math.ceil(part.length / 2)
    await commitPart(part.slice(0, middle), options)
    await commitPart(part.slice(middle), options)
  }
}

function parts<T>(items: readonly T[], sizeOf: (item: T) => number): T[][] {
  const found: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    const size = sizeOf(item) + keyBytes
    if (bytes + size > partBytes) {
      found.push([])
      bytes = 0
    }
    found.at(-1)!.push(item)
    bytes += size
  }
  return found
}
