import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryStore } from './memory-store.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { Store } from './store.ts'

export type StoreKind = 'sqlite' | 'memory'

/** The store that a program's `--store` names; `sqlite` is the file `store.db` in its data directory. Throws StoreDamagedError or DataDirectoryError, with what to do. */
export async function openStore(kind: StoreKind, dataDir: string): Promise<Store> {
  if (kind === 'memory') return new MemoryStore()
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(error => {
    throw new DataDirectoryError(dataDir, error as Error)
  })
  return SqliteStore.open({ file: join(dataDir, 'store.db') })
}

export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError'
  readonly code = 'SKERRY_DATA_UNUSABLE'
  constructor(dataDir: string, cause: Error) {
    super(`${dataDir} cannot be made: ${cause.message}: give another place with --data DIR`, { cause })
  }
}
