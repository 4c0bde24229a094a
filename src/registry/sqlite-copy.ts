import { closeSync, copyFileSync, existsSync, fsyncSync, mkdtempSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Revision } from '../model/resource.ts'
import type { Manifest } from './sqlite-manifest.ts'
import { refuseForeign } from './sqlite-open.ts'
import { readVerified } from './sqlite-verify.ts'
import { StoreDamagedError } from './store.ts'
import { StoreMarker } from './store-marker.ts'

/** What a store was found to hold, every record checked. */
export interface StoreReport {
  readonly file: string
  /** `global`, or `zone NAME`; null when nobody has said. */
  readonly owner: string | null
  readonly revision: Revision
  readonly records: number
  /** Records of each kind, by name. */
  readonly kinds: Readonly<Record<string, number>>
  /** Changes kept for readers that come back. */
  readonly changes: number
  /** Of database and write-ahead log. */
  readonly bytes: number
  /** Stands for all records, whatever their order: equal content has equal digests. */
  readonly digest: string
}

export class StoreExistsError extends Error {
  override name = 'StoreExistsError'
  readonly code = 'SKERRY_STORE_EXISTS'
  constructor(file: string, advice: string) {
    super(`${file} exists already: ${advice}`)
  }
}

/**
 * Works on a copy of a store, also of one that a running control plane has open and locked. The database changes only in checkpoints, and
 * whatever a checkpoint moves stays in the log until the log is begun anew: database first, log second, and the same log before and
 * after, is the store as it was at one moment. Reading everything again in the copy is the proof.
 *
 * Throws StoreDamagedError. The copy is gone afterwards.
 */
export function withCopy<T>(file: string, work: (db: DatabaseSync, report: StoreReport) => T): T {
  if (!existsSync(file))
    throw new StoreDamagedError(
      'SKERRY_STORE_DAMAGED',
      `there is no store at ${file}`,
      'Name the data directory of a control plane, or a backup',
    )
  const marker = StoreMarker.read(file)
  const directory = mkdtempSync(`${file}.copy-`) // private, and on the disk that has room for it or has none for anything
  try {
    const copy = join(directory, 'store.db')
    copyAtOneMoment(file, copy)
    const bytes = sizeOf(copy) + sizeOf(`${copy}-wal`)
    const { db, content } = openCopy(file, copy, marker?.revision ?? 0)
    try {
      return work(db, { ...content, file, owner: marker?.owner ?? null, bytes })
    } finally {
      db.close()
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function verifyStore(file: string): StoreReport {
  return withCopy(file, (_, report) => report)
}

/** One file that holds it all, with its marker beside it. Throws when it is there already. */
export function backupStore(file: string, target: string): StoreReport {
  if (existsSync(target)) throw new StoreExistsError(target, 'name another file')
  const partial = `${target}.partial`
  const report = withCopy(file, (db, report) => {
    vacuumInto(db, partial)
    return report
  })
  flush(partial)
  renameSync(partial, target)
  StoreMarker.open(target, report.revision, report.owner ?? undefined).close()
  const written = verifyStore(target)
  if (written.digest !== report.digest) throw new Error(`${target} is not what was read from ${file}`)
  return written
}

/** Into a new file that only its owner may read: stores hold private keys. */
export function vacuumInto(db: DatabaseSync, file: string): void {
  rmSync(file, { force: true })
  closeSync(openSync(file, 'wx', 0o600))
  db.prepare('VACUUM INTO ?').run(file)
}

/** More would mean that the store begins a new log faster than a copy is made. */
const attempts = 20

function copyAtOneMoment(file: string, copy: string): void {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = logIdentity(file)
    copyFileSync(file, copy)
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`)
    else rmSync(`${copy}-wal`, { force: true })
    if (logIdentity(file) === before) return
  }
  throw new Error(`${file} is written to so fast that no copy of one moment could be made: try again when it is quieter`)
}

/** A log that is begun anew gets other salts. https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function logIdentity(file: string): string {
  let handle: number
  try {
    handle = openSync(`${file}-wal`, 'r')
  } catch {
    return 'none'
  }
  try {
    const header = Buffer.alloc(32)
    return readSync(handle, header, 0, 32, 0) === 32 ? header.toString('hex') : 'empty'
  } finally {
    closeSync(handle)
  }
}

function openCopy(file: string, copy: string, acknowledged: Revision): { db: DatabaseSync; content: ReturnType<typeof describe> } {
  const db = new DatabaseSync(copy)
  const kinds = new Map<string, number>()
  try {
    refuseForeign(db, file)
    const { manifest } = readVerified(db, acknowledged, records => {
      for (const { key } of records) kinds.set(key.kind, (kinds.get(key.kind) ?? 0) + 1)
    })
    return { db, content: describe(manifest, kinds) }
  } catch (cause) {
    db.close()
    if (cause instanceof StoreDamagedError) throw cause
    const advice = 'Put back a backup with: skerry store restore BACKUP --data DIR --force'
    throw new StoreDamagedError('SKERRY_STORE_DAMAGED', `${file} is damaged: ${(cause as Error).message}`, advice, { cause })
  }
}

function describe({ revision, digest, oldestChange, newestChange }: Manifest, kinds: ReadonlyMap<string, number>) {
  return {
    revision,
    records: digest.count,
    kinds: Object.fromEntries([...kinds].sort(([a], [b]) => (a < b ? -1 : 1))),
    changes: newestChange - oldestChange + 1,
    digest: `${digest.count.toString(16)}-${digest.sum.toString(16)}-${digest.xor.toString(16)}`,
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function flush(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
