import { closeSync, copyFileSync, existsSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { emptyManifest, manifestTable, manifestWriter } from './sqlite-manifest.ts'
import { ownerError, StoreDamagedError, StoreFailedError } from './store.ts'
import { StoreMarker, syncDirectory } from './store-marker.ts'

export interface SqliteFileOptions {
  readonly file: string
  /** Begin anew where a store was and is no longer. Never overwrites one that is there. */
  readonly allowEmpty?: boolean
  /** Changes remembered for `watch`, also over restarts. */
  readonly changeLimit: number
  /** Size beyond which the store is full. */
  readonly maxBytes?: number
  /** Whose store it is, e.g. `zone aws-1`: a store of another's is refused. */
  readonly owner?: string
}

/** 'SKRY': what `file(1)` and we know a Skerry store by. */
const applicationId = 0x534b5259
const schemaVersion = 1

const schema = `
  CREATE TABLE record (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, mesh TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, value TEXT NOT NULL, checksum INTEGER NOT NULL
  ) STRICT;
  -- Ids have no gaps; value is NULL for a deletion.
  CREATE TABLE change (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, mesh TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, value TEXT, checksum INTEGER NOT NULL
  ) STRICT;
  ${manifestTable}
`

/**
 * Opens the database, locked for this process until it is closed, and makes it when there has never been one. What is in it is not
 * yet verified. `verify` runs before anything is written; when it throws, the files are left as they were found.
 */
export function openDatabase<T>(
  { file, allowEmpty = false, maxBytes, owner }: SqliteFileOptions,
  verify: (db: DatabaseSync) => T,
): { db: DatabaseSync; verified: T } {
  let log: KeptLog | undefined
  let db: DatabaseSync | undefined
  try {
    refuseOfAnother(file, owner)
    if (isMissing(file)) refuseToStartEmpty(file, allowEmpty)
    log = new KeptLog(file)
    createFile(file)
    db = new DatabaseSync(file, { timeout: lockWaitMs })
    // An exclusive lock keeps other processes out for as long as this one lives, and needs no shared memory file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    const isNew = isEmpty(db)
    if (isNew) refuseToStartEmpty(file, false)
    else refuseForeign(db, file)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
    db.exec('BEGIN IMMEDIATE; COMMIT') // takes the lock, and fails now when the file cannot be written
    if (maxBytes !== undefined) db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`)
    if (isNew) create(db)
    const verified = verify(db)
    log.forget()
    return { db, verified }
  } catch (error) {
    const refusal = asRefusal(error, file)
    db?.close()
    if (refusal instanceof StoreDamagedError && refusal.code === 'SKERRY_STORE_LOCKED') log?.forget()
    else log?.restore()
    throw refusal
  }
}

/** A process that was told to stop may need a moment. */
const lockWaitMs = 500
const pageBytes = 4096

function isMissing(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0
}

function refuseToStartEmpty(file: string, allowEmpty: boolean): void {
  if (!StoreMarker.read(file)) return
  if (!allowEmpty) {
    const problem = `${file} held data and is ${existsSync(file) ? 'empty' : 'gone'}`
    const advice = `Put it back from a copy, together with its -wal file; or, to start with nothing on purpose, delete ${StoreMarker.pathFor(file)}`
    throw new StoreDamagedError('SKERRY_STORE_DAMAGED', problem, advice)
  }
  rmSync(StoreMarker.pathFor(file))
  rmSync(`${file}-wal`, { force: true })
}

/** Two zones that take turns on one store would each publish the other's proxies as its own. */
function refuseOfAnother(file: string, owner: string | undefined): void {
  const found = StoreMarker.read(file)?.owner
  if (found !== undefined && owner !== undefined && found !== owner) throw ownerError(file, found, owner)
}

function createFile(file: string): void {
  if (existsSync(file)) return
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600)) // it holds private keys
  syncDirectory(dirname(file))
}

function isEmpty(db: DatabaseSync): boolean {
  return numberOf(db, 'SELECT count(*) AS value FROM sqlite_schema') === 0
}

/** Throws StoreDamagedError unless it is a Skerry store in a format that this program reads. */
export function refuseForeign(db: DatabaseSync, file: string): void {
  if (numberOf(db, 'SELECT application_id AS value FROM pragma_application_id') !== applicationId) {
    const advice = 'Name another file, or move this one away if it should not be here'
    throw new StoreDamagedError('SKERRY_STORE_DAMAGED', `${file} is not a Skerry store`, advice)
  }
  const found = numberOf(db, 'SELECT user_version AS value FROM pragma_user_version')
  if (found === schemaVersion) return
  throw new StoreDamagedError(
    'SKERRY_STORE_VERSION',
    `${file} has format ${found}, this program reads format ${schemaVersion}`,
    found > schemaVersion
      ? 'It was written by a newer Skerry: start that one, or put back a copy from before the upgrade'
      : 'It was written by an older Skerry: export its resources with that one and apply them to a new store',
  )
}

function create(db: DatabaseSync): void {
  db.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`)
  manifestWriter(db)(emptyManifest)
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
}

function numberOf(db: DatabaseSync, query: string): number {
  return db.prepare(query).get()!.value as number
}

/**
 * SQLite replays the write-ahead log only as far as it is readable, and deletes it when the database is closed. A second name for
 * it keeps it whole until the store is known to be sound.
 */
export class KeptLog {
  readonly #log: string
  readonly #kept: string

  constructor(file: string) {
    this.#log = `${file}-wal`
    this.#kept = `${file}-wal.kept`
    if (existsSync(this.#kept)) this.restore()
    if (!existsSync(this.#log)) return
    try {
      linkSync(this.#log, this.#kept)
    } catch {
      copyFileSync(this.#log, this.#kept) // a file system without hard links
    }
  }

  forget(): void {
    rmSync(this.#kept, { force: true })
  }

  restore(): void {
    if (existsSync(this.#kept) && !existsSync(this.#log)) renameSync(this.#kept, this.#log)
    this.forget()
  }
}

function asRefusal(error: unknown, file: string): Error {
  if (error instanceof StoreDamagedError || error instanceof StoreFailedError) return error
  const { errcode, code, message } = error as { errcode?: number; code?: string; message: string }
  const sqliteCode = errcode === undefined ? undefined : errcode & 0xff
  if (sqliteCode === sqlite.busy || sqliteCode === sqlite.locked) {
    return lockedError(file, error)
  }
  const isRefusedByDisk =
    sqliteCode === undefined ? code?.startsWith('E') && !code.startsWith('ERR_') : notOurs.has(sqliteCode) && errcode !== sqlite.shortRead
  if (isRefusedByDisk) return new StoreFailedError(file, message, { cause: error })
  return new StoreDamagedError('SKERRY_STORE_DAMAGED', `${file} is damaged: ${message}`, adviceWhenDamaged(file), { cause: error })
}

export function lockedError(file: string, cause: unknown): StoreDamagedError {
  const holder = StoreMarker.read(file)?.pid
  const problem = `${file} is in use by ${holder ? `process ${holder}` : 'another process'}`
  return new StoreDamagedError('SKERRY_STORE_LOCKED', problem, 'Stop that one first, or give this one a data directory of its own', {
    cause,
  })
}

function adviceWhenDamaged(file: string): string {
  return (
    `Nothing was taken from it and its files are as they were. Put back a backup with: skerry store restore BACKUP --data ${dirname(file)} --force ` +
    `(it keeps the damaged files beside it); or, to start with nothing on purpose, move ${file}* away`
  )
}

/** https://www.sqlite.org/rescode.html */
export const sqlite = { perm: 3, busy: 5, locked: 6, readonly: 8, io: 10, full: 13, cantOpen: 14, auth: 23, shortRead: 522 }
const notOurs = new Set([sqlite.perm, sqlite.readonly, sqlite.io, sqlite.full, sqlite.cantOpen, sqlite.auth])
