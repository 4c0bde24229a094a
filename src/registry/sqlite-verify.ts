import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { formatKey, type Revision } from '../model/resource.ts'
import { emptyDigest, isSameDigest, recordChecksum, withRecord } from './record-checksum.ts'
import { type Manifest, readManifest } from './sqlite-manifest.ts'
import type { StoredRecord } from './store.ts'

/** Where a record lies. Held in memory by the one process that may write, so the file needs no index. */
export interface Address {
  readonly id: number
  readonly revision: Revision
  readonly checksum: number
}

export interface VerifiedContent {
  readonly manifest: Manifest
  readonly addresses: Map<string, Address>
}

/** Gets records in pages, so that a large store is not held twice. They may be believed only when everything has been read. */
export type TakeRecords = (records: readonly StoredRecord[]) => void

/** Reads everything and throws at the first thing that does not add up. `acknowledged`: the store must reach at least this revision. */
export function readVerified(db: DatabaseSync, acknowledged: Revision, take: TakeRecords): VerifiedContent {
  const manifest = readManifest(db)
  if (manifest.revision < acknowledged) {
    throw new Error(
      `it ends at revision ${manifest.revision}, but revision ${acknowledged} was acknowledged (an older copy, or its -wal file is lost or damaged)`,
    )
  }
  const { addresses, digest } = readRecords(db, manifest.revision, take)
  if (!isSameDigest(digest, manifest.digest)) {
    throw new Error(`its ${digest.count} records are not the ${manifest.digest.count} that were written`)
  }
  verifyChanges(db, manifest)
  return { manifest, addresses }
}

export function changeChecksum(id: number, recordChecksum: number): number {
  return crc32(String(id), recordChecksum)
}

const pageLength = 1000

function readRecords(db: DatabaseSync, newest: Revision, take: TakeRecords) {
  let page: StoredRecord[] = []
  const addresses = new Map<string, Address>()
  let digest = emptyDigest
  for (const row of rowsOf(db, 'SELECT id, kind, mesh, name, revision, value, checksum FROM record ORDER BY id')) {
    const [id, kind, mesh, name, revision, value, checksum] = row as [number, string, string, string, Revision, string, number]
    const key = { kind, mesh, name }
    if (recordChecksum(key, revision, value) !== checksum) throw new Error(`record ${id} (${formatKey(key)}) does not match its checksum`)
    if (revision > newest) throw new Error(`record ${id} is newer than the manifest`)
    if (page.push({ key, value, revision }) === pageLength) {
      take(page)
      page = []
    }
    addresses.set(formatKey(key), { id, revision, checksum })
    digest = withRecord(digest, checksum)
  }
  if (addresses.size !== digest.count) throw new Error('it holds a resource twice')
  take(page)
  return { addresses, digest }
}

/** The log needs no digest: ids without a gap between the manifest's two, and each row right, leave nothing to be missing. */
function verifyChanges(db: DatabaseSync, { oldestChange, newestChange, compactedTo, revision: newest }: Manifest): void {
  let expectedId = oldestChange
  let lastRevision = compactedTo
  for (const row of rowsOf(db, 'SELECT id, kind, mesh, name, revision, value, checksum FROM change ORDER BY id')) {
    const [id, kind, mesh, name, revision, value, checksum] = row as [number, string, string, string, Revision, string | null, number]
    const isRight = changeChecksum(id, recordChecksum({ kind, mesh, name }, revision, value ?? undefined)) === checksum
    if (id !== expectedId || !isRight || revision < lastRevision) throw new Error(`its change log is broken at change ${expectedId}`)
    lastRevision = revision
    expectedId++
  }
  if (expectedId !== newestChange + 1 || lastRevision !== newest)
    throw new Error(`its change log ends at change ${expectedId - 1}, not at ${newestChange}`)
}

function rowsOf(db: DatabaseSync, query: string): Iterable<SQLOutputValue[]> {
  const statement = db.prepare(query)
  statement.setReturnArrays(true)
  return statement.iterate() as Iterable<unknown> as Iterable<SQLOutputValue[]>
}
