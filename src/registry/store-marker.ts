import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Revision } from '../model/resource.ts'

export interface MarkerContent {
  /** A commit up to which everything was acknowledged: a store that ends before it has lost something. */
  readonly revision: Revision
  /** The process that opened the store last. */
  readonly pid: number
  /** Whose store it is: `global`, or `zone NAME`. Unknown where nobody has said yet. */
  readonly owner?: string
}

/** Always written whole and always this long, so that a crash cannot leave a shorter one. */
const length = 512

/**
 * A small file beside a store that says: here was data, at least up to this revision. It tells a lost or replaced store, and a lost
 * or damaged write-ahead log (which SQLite silently cuts off where it stops being readable), from an empty one.
 *
 * Written after a commit is durable and not flushed: it may lag behind after a power failure, it is never ahead.
 */
export class StoreMarker {
  readonly #file: number
  readonly #owner: string | undefined

  static pathFor(storeFile: string): string {
    return `${storeFile}.marker`
  }

  /** undefined when there is none. What cannot be read says only that data existed. */
  static read(storeFile: string): MarkerContent | undefined {
    let text: string
    try {
      text = readFileSync(StoreMarker.pathFor(storeFile), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    try {
      const { revision, pid, owner } = JSON.parse(text) as MarkerContent
      if (Number.isSafeInteger(revision) && Number.isSafeInteger(pid))
        return typeof owner === 'string' ? { revision, pid, owner } : { revision, pid }
    } catch {}
    return { revision: 0, pid: 0 }
  }

  /** Makes it, or takes it over for this process. The store must be locked. Without an owner it keeps the one that it names. */
  static open(storeFile: string, revision: Revision, owner = StoreMarker.read(storeFile)?.owner): StoreMarker {
    // Neither 'a' (on Linux it would append, whatever the position) nor 'w' (it would cut the old content off before the new is there).
    const marker = new StoreMarker(openSync(StoreMarker.pathFor(storeFile), constants.O_RDWR | constants.O_CREAT, 0o600), owner)
    marker.note(revision)
    fsyncSync(marker.#file)
    syncDirectory(dirname(storeFile))
    return marker
  }

  private constructor(file: number, owner: string | undefined) {
    this.#file = file
    this.#owner = owner
  }

  note(revision: Revision): void {
    const about = 'A Skerry store is kept beside this file. Without it a lost store would look like a new one.'
    const owner = this.#owner === undefined ? {} : { owner: this.#owner }
    const content = JSON.stringify({ revision, pid: process.pid, ...owner, about } satisfies MarkerContent & { about: string })
    writeSync(this.#file, `${content.padEnd(length - 1)}\n`, 0)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Makes the names of new files in a directory durable. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
