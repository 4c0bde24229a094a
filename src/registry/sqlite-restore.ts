import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreExistsError, type StoreReport, vacuumInto, verifyStore, withCopy } from './sqlite-copy.ts'
import { manifestWriter, readManifest } from './sqlite-manifest.ts'
import { KeptLog, lockedError, sqlite } from './sqlite-open.ts'
import { ownerError } from './store.ts'
import { StoreMarker, syncDirectory } from './store-marker.ts'

export interface RestoreReport extends StoreReport {
  /** Where the files lie that were there before; null when there were none. */
  readonly replaced: string | null
}

/** Revisions that the lost store may have given out after the backup was made. None of them may come again with another meaning: a
 *  reader that returns with one is told to read everything anew, and a write that expects one is refused. */
const revisionGap = 1_000_000

/**
 * Puts a backup in the place of a store. The backup is verified first, and the result afterwards; what was there is put aside under
 * another name. Throws StoreDamagedError (damaged backup, store in use, another's store), or StoreExistsError without `force`.
 */
export function restoreStore(backup: string, file: string, { force = false } = {}): RestoreReport {
  const old = StoreMarker.read(file)
  const source = verifyStore(backup)
  if (old?.owner && source.owner && old.owner !== source.owner) throw ownerError(backup, source.owner, old.owner)
  if (existsSync(file)) {
    if (!force) throw new StoreExistsError(file, 'with --force it is put aside (not deleted)')
    refuseWhenOpen(file)
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const restored = `${file}.restored`
  const revision = Math.max(source.revision, old?.revision ?? 0) + revisionGap
  withCopy(backup, db => {
    const manifest = { ...readManifest(db), revision, oldestChange: 1, newestChange: 0, compactedTo: revision }
    db.exec('BEGIN; DELETE FROM change')
    manifestWriter(db)(manifest)
    db.exec('COMMIT')
    vacuumInto(db, restored)
  })
  const replaced = putAside(file)
  renameSync(restored, file)
  StoreMarker.open(file, revision, source.owner ?? old?.owner).close() // flushes the directory too
  return { ...verifyStore(file), replaced }
}

/** The lock of a running control plane is on the file that is about to be moved: it would go on writing to it unnoticed. */
function refuseWhenOpen(file: string): void {
  const log = new KeptLog(file)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE; ROLLBACK')
  } catch (error) {
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff
    if (code === sqlite.busy || code === sqlite.locked) throw lockedError(file, error)
    // Too damaged to be locked: that is why it is replaced.
  } finally {
    db?.close()
    log.restore() // closing may have moved it into the database
  }
}

function putAside(file: string): string | null {
  const directory = dirname(file)
  const names = readdirSync(directory).filter(name => [basename(file), `${basename(file)}-wal`, `${basename(file)}.marker`].includes(name))
  if (names.length === 0) return null
  for (let count = 1; ; count++) {
    const place = join(directory, `${basename(file)}.replaced-${count}`)
    if (existsSync(place)) continue
    mkdirSync(place, { mode: 0o700 })
    for (const name of names) renameSync(join(directory, name), join(place, name))
    syncDirectory(place)
    return place
  }
}
