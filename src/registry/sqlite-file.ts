import type { DatabaseSync } from 'node:sqlite'
import { formatKey, type ResourceKey, type Revision } from '../model/resource.ts'
import { recordChecksum, withoutRecord, withRecord } from './record-checksum.ts'
import { type Manifest, manifestWriter } from './sqlite-manifest.ts'
import { openDatabase, type SqliteFileOptions } from './sqlite-open.ts'
import { type Address, changeChecksum, readVerified, type TakeRecords } from './sqlite-verify.ts'
import { CompactedError, type Expectation, type StoreChange, type StoredRecord, type StoreOperation } from './store.ts'
import { StoreMarker } from './store-marker.ts'

/** What became of one commit of a group. `ignored`: positions of operations that changed nothing. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly revision: Revision; readonly ignored: readonly number[] }
  | { readonly kind: 'conflict'; readonly key: ResourceKey; readonly expected: Expectation; readonly actual: Expectation }

export interface StoredCommit {
  readonly revision: Revision
  readonly changes: readonly StoreChange[]
}

/**
 * The store's file, synchronously. Each record carries a checksum, and a manifest, written in the same transaction, says what all of
 * them must add up to. Nobody else in this process may open the file, not even to read: closing any handle of a file drops the
 * locks that POSIX gives a process on it.
 */
export class SqliteFile {
  readonly #db: DatabaseSync
  readonly #marker: StoreMarker
  readonly #changeLimit: number
  readonly #addresses: Map<string, Address>
  readonly #statements: ReturnType<typeof prepareAll>
  #manifest: Manifest
  #pagesSinceCheckpoint = 0

  /** `take` gets every record. Only when this returns is everything verified; until then nothing of it may be published. Throws
   *  StoreDamagedError or StoreFailedError. */
  static open(options: SqliteFileOptions, take: TakeRecords): SqliteFile {
    const acknowledged = () => StoreMarker.read(options.file)?.revision ?? 0
    const { db, verified } = openDatabase(options, db => readVerified(db, acknowledged(), take))
    const { manifest, addresses } = verified
    const marker = StoreMarker.open(options.file, manifest.revision, options.owner)
    return new SqliteFile(db, marker, options.changeLimit, manifest, addresses)
  }

  private constructor(db: DatabaseSync, marker: StoreMarker, changeLimit: number, manifest: Manifest, addresses: Map<string, Address>) {
    this.#db = db
    this.#marker = marker
    this.#changeLimit = changeLimit
    this.#manifest = manifest
    this.#addresses = addresses
    this.#statements = prepareAll(db)
  }

  get revision(): Revision {
    return this.#manifest.revision
  }

  /** As `open`: everything again, and the revision it is at. */
  load(take: TakeRecords): Revision {
    return readVerified(this.#db, this.#manifest.revision, take).manifest.revision
  }

  /** One transaction for all; durable when it returns. A conflict concerns its own commit only; when it throws, none of them applies. */
  commitGroup(group: readonly (readonly StoreOperation[])[]): CommitOutcome[] {
    const before = this.#manifest
    const undo: [id: string, address: Address | undefined][] = []
    try {
      this.#statements.begin.run()
      const outcomes = group.map(operations => this.#apply(operations, undo))
      if (this.#manifest !== before) {
        this.#forgetOldChanges()
        this.#statements.writeManifest(this.#manifest)
        this.#pagesSinceCheckpoint += pagesPerGroup
      }
      this.#statements.commit.run()
      if (this.#manifest !== before) this.#noteAcknowledged()
      return outcomes
    } catch (error) {
      this.#manifest = before
      for (const [id, address] of undo.reverse()) {
        if (address) this.#addresses.set(id, address)
        else this.#addresses.delete(id)
      }
      this.#rollBack()
      throw error
    }
  }

  /** Whole commits after `from`, about `limit` changes of them. Throws CompactedError. */
  changesAfter(from: Revision, limit: number): StoredCommit[] {
    const { compactedTo, revision: newest, newestChange } = this.#manifest
    if (from < compactedTo || from > newest) throw new CompactedError(from, compactedTo)
    const commits: { revision: Revision; changes: StoreChange[] }[] = []
    let count = 0
    for (let id = this.#firstChangeAfter(from); id <= newestChange; id++, count++) {
      const { kind, mesh, name, revision, value } = this.#statements.change.get(id) as unknown as ChangeRow
      if (commits.at(-1)?.revision !== revision) {
        if (count >= limit) break
        commits.push({ revision, changes: [] })
      }
      const key = { kind, mesh, name }
      commits.at(-1)!.changes.push(value === null ? { kind: 'delete', key, revision } : { kind: 'put', record: { key, value, revision } })
    }
    return commits
  }

  /** Moves the write-ahead log into the database when it has grown; called between groups, so that no commit waits for it. Done by
   *  hand because SQLite drops the errors of its automatic checkpoints, and a failed fsync must not go unnoticed. */
  checkpointWhenDue(): void {
    if (this.#pagesSinceCheckpoint >= pagesPerCheckpoint) this.checkpoint()
  }

  checkpoint(): void {
    this.#pagesSinceCheckpoint = 0
    this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  close(): void {
    this.#db.close()
    this.#marker.close()
  }

  #apply(operations: readonly StoreOperation[], undo: [string, Address | undefined][]): CommitOutcome {
    for (const { key, expect } of operations) {
      if (expect === undefined) continue
      const actual = this.#addresses.get(formatKey(key))?.revision ?? 'absent'
      if (expect !== actual) return { kind: 'conflict', key, expected: expect, actual }
    }
    const revision = this.#manifest.revision + 1
    const ignored: number[] = []
    for (const [position, operation] of operations.entries()) {
      const id = formatKey(operation.key)
      const current = this.#addresses.get(id)
      undo.push([id, current])
      if (operation.kind === 'put') {
        this.#addresses.set(id, this.#put({ ...operation, revision }, current))
      } else if (current) {
        this.#delete(operation.key, revision, current)
        this.#addresses.delete(id)
      } else {
        ignored.push(position)
      }
    }
    if (ignored.length === operations.length) return { kind: 'committed', revision: revision - 1, ignored }
    this.#manifest = { ...this.#manifest, revision }
    return { kind: 'committed', revision, ignored }
  }

  #put({ key, value, revision }: StoredRecord, current: Address | undefined): Address {
    const { kind, mesh, name } = key
    const checksum = recordChecksum(key, revision, value)
    const { insert, update } = this.#statements
    const { changes, lastInsertRowid } = current
      ? update.run(revision, value, checksum, current.id)
      : insert.run(kind, mesh, name, revision, value, checksum)
    if (changes !== 1) throw new Error(`record ${current?.id} is no longer where it was written`)
    // New records and the history are written one behind the other, a change goes to whatever page holds the record.
    this.#pagesSinceCheckpoint += (current ? 1 : 0) + (2 * value.length) / 4096
    const { digest } = this.#manifest
    this.#manifest = { ...this.#manifest, digest: withRecord(current ? withoutRecord(digest, current.checksum) : digest, checksum) }
    this.#log(key, revision, value, checksum)
    return { id: current?.id ?? Number(lastInsertRowid), revision, checksum }
  }

  #delete(key: ResourceKey, revision: Revision, current: Address): void {
    this.#statements.remove.run(current.id)
    this.#pagesSinceCheckpoint++
    this.#manifest = { ...this.#manifest, digest: withoutRecord(this.#manifest.digest, current.checksum) }
    this.#log(key, revision, undefined, recordChecksum(key, revision, undefined))
  }

  #log({ kind, mesh, name }: ResourceKey, revision: Revision, value: string | undefined, checksum: number): void {
    const id = this.#manifest.newestChange + 1
    this.#statements.log.run(id, kind, mesh, name, revision, value ?? null, changeChecksum(id, checksum))
    this.#manifest = { ...this.#manifest, newestChange: id }
  }

  /** A tenth more than the limit is let to gather, so that most commits delete nothing. */
  #forgetOldChanges(): void {
    const { oldestChange, newestChange } = this.#manifest
    if (newestChange - oldestChange + 1 <= this.#changeLimit * 1.1) return
    const lastForgotten = newestChange - this.#changeLimit
    const compactedTo = this.#revisionOfChange(lastForgotten)
    this.#statements.forget.run(lastForgotten)
    this.#manifest = { ...this.#manifest, oldestChange: lastForgotten + 1, compactedTo }
  }

  #firstChangeAfter(from: Revision): number {
    let low = this.#manifest.oldestChange
    let high = this.#manifest.newestChange + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#revisionOfChange(middle) > from) high = middle
      else low = middle + 1
    }
    return low
  }

  #revisionOfChange(id: number): Revision {
    return (this.#statements.change.get(id) as unknown as ChangeRow).revision
  }

  #noteAcknowledged(): void {
    try {
      this.#marker.note(this.#manifest.revision)
    } catch {
      // The commit is durable. A marker that lags only notices a little less.
    }
  }

  #rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#statements.rollback.run()
    } catch {
      // The error that led here says more; after it the file is not written to again.
    }
  }
}

/** About 8 MB of write-ahead log: a checkpoint flushes twice, and takes as long whether there is much to move or little. */
const pagesPerCheckpoint = 2000
/** The manifest, and the pages that the group before had begun. */
const pagesPerGroup = 3

interface ChangeRow extends ResourceKey {
  readonly revision: Revision
  readonly value: string | null
}

function prepareAll(db: DatabaseSync) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    insert: db.prepare('INSERT INTO record (kind, mesh, name, revision, value, checksum) VALUES (?, ?, ?, ?, ?, ?)'),
    update: db.prepare('UPDATE record SET revision = ?, value = ?, checksum = ? WHERE id = ?'),
    remove: db.prepare('DELETE FROM record WHERE id = ?'),
    log: db.prepare('INSERT INTO change (id, kind, mesh, name, revision, value, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    change: db.prepare('SELECT kind, mesh, name, revision, value FROM change WHERE id = ?'),
    forget: db.prepare('DELETE FROM change WHERE id <= ?'),
    writeManifest: manifestWriter(db),
  }
}
