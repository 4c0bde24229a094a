import { Snapshot } from '../xds/snapshot.ts'
import { VersionTable } from './digest.ts'
import type { OwedResource } from './owed.ts'

/** All that one peer is owed, in the form in which the delta engine reads it, with a digest for each kind. */
export class Outbox {
  readonly snapshot = new Snapshot()
  readonly tables: ReadonlyMap<string, VersionTable>

  constructor(kinds: Iterable<string>) {
    this.tables = new Map([...kinds].map(kind => [kind, new VersionTable()]))
  }

  put({ kind, encoded }: OwedResource): void {
    this.tables.get(kind)?.set(encoded.name, encoded.version)
    this.snapshot.set(kind, encoded)
  }

  remove({ kind, encoded }: OwedResource): void {
    this.tables.get(kind)?.delete(encoded.name)
    this.snapshot.remove(kind, encoded.name)
  }
}
