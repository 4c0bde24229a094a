import type { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { Revision } from '../model/resource.ts'
import { type Digest, emptyDigest } from './record-checksum.ts'

/** What the records and the change log must add up to; changed in the same transaction as they are. */
export interface Manifest {
  readonly revision: Revision
  readonly digest: Digest
  /** Ids in the change log, without gaps; `newestChange` is `oldestChange` − 1 when it is empty. */
  readonly oldestChange: number
  readonly newestChange: number
  /** Changes up to this revision are no longer in the log, or not all of them. */
  readonly compactedTo: Revision
}

export const emptyManifest: Manifest = { revision: 0, digest: emptyDigest, oldestChange: 1, newestChange: 0, compactedTo: 0 }

export const manifestTable = `
  CREATE TABLE manifest (
    id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, count INTEGER NOT NULL, sum INTEGER NOT NULL, xor INTEGER NOT NULL,
    oldest_change INTEGER NOT NULL, newest_change INTEGER NOT NULL, compacted_to INTEGER NOT NULL, checksum INTEGER NOT NULL
  ) STRICT;
`

export function readManifest(db: DatabaseSync): Manifest {
  const rows = db.prepare('SELECT * FROM manifest').all() as unknown as ManifestRow[]
  const row = rows[0]
  if (!row || rows.length > 1) throw new Error('its manifest is missing')
  const { revision, count, sum, xor, oldest_change: oldestChange, newest_change: newestChange, compacted_to: compactedTo } = row
  const manifest = { revision, digest: { count, sum, xor }, oldestChange, newestChange, compactedTo }
  if (checksumOf(manifest) !== row.checksum) throw new Error('its manifest does not match its checksum')
  return manifest
}

/** Prepared once: it is part of every transaction. */
export function manifestWriter(db: DatabaseSync): (manifest: Manifest) => void {
  const statement = db.prepare('INSERT OR REPLACE INTO manifest VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)')
  return manifest => {
    const { revision, digest, oldestChange, newestChange, compactedTo } = manifest
    statement.run(revision, digest.count, digest.sum, digest.xor, oldestChange, newestChange, compactedTo, checksumOf(manifest))
  }
}

interface ManifestRow {
  readonly revision: number
  readonly count: number
  readonly sum: number
  readonly xor: number
  readonly oldest_change: number
  readonly newest_change: number
  readonly compacted_to: number
  readonly checksum: number
}

function checksumOf({ revision, digest, oldestChange, newestChange, compactedTo }: Manifest): number {
  return crc32([revision, digest.count, digest.sum, digest.xor, oldestChange, newestChange, compactedTo].join())
}
