import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OptionValues } from '../std/options.ts'
import type { EtcdOptions } from './etcd/etcd-options.ts'
import { ExclusiveStore } from './exclusive-store.ts'
import { MemoryStore } from './memory-store.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { Store } from './store.ts'
import type { storeOptions } from './store-options.ts'

type StoreValues = OptionValues<typeof storeOptions>
/** What a program's settings say of its store; `data` is its data directory. */
export type StoreConfig = Pick<StoreValues, 'store'> & Partial<Omit<StoreValues, 'store'>> & { readonly data: string }

/**
 * The store that a program's settings name; `sqlite` is the file `store.db` in its data directory. `owner` is who it belongs to: `global`, or `zone NAME`.
 * Whether several of its processes may have it open at a time is the program's to say; a file is always one process's.
 * Throws StoreDamagedError, StoreFailedError, StoreUnavailableError, ReplicaUnsupportedError, StoreConfigError or DataDirectoryError, with
 * what to do.
 */
export async function openStore(config: StoreConfig, owner: string, use: 'shared' | 'exclusive' = 'shared'): Promise<Store> {
  switch (config.store) {
    case 'memory':
      return new MemoryStore()
    case 'etcd':
      return use === 'shared' ? await openEtcd(config, owner) : await openExclusively(await openEtcd(config, owner), owner)
    case 'sqlite':
      return await openSqlite(config, owner)
    default:
      return config.store satisfies never
  }
}

async function openSqlite({ data, storeLimitMb, storeBeginAnew }: StoreConfig, owner: string): Promise<Store> {
  await makeDirectory(data)
  return await SqliteStore.open({
    file: join(data, 'store.db'),
    owner,
    ...(storeBeginAnew ? { allowEmpty: true } : {}),
    ...(storeLimitMb ? { maxBytes: storeLimitMb * 1_000_000 } : {}),
  })
}

async function makeDirectory(data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 }).catch(error => {
    throw new DataDirectoryError(data, error as Error)
  })
}

async function openEtcd(config: StoreConfig, owner: string): Promise<Store> {
  const options = await etcdOptions(config)
  await makeDirectory(config.data)
  // Only those who keep their records there pay for reading the client.
  const { EtcdStore } = await import('./etcd-store.ts')
  return await EtcdStore.open({ ...options, owner, markerFor: join(config.data, 'etcd'), acceptOlder: config.storeBeginAnew ?? false })
}

async function openExclusively(store: Store, owner: string): Promise<Store> {
  try {
    return await ExclusiveStore.open(store, { owner })
  } catch (error) {
    await store.close()
    throw error
  }
}

async function etcdOptions(config: StoreConfig): Promise<EtcdOptions> {
  const { etcdEndpoints, etcdPrefix, etcdCaFile, etcdCertFile, etcdKeyFile, etcdUser, etcdPasswordFile } = config
  if (!etcdEndpoints || etcdEndpoints.length === 0)
    throw new StoreConfigError('--store etcd does not say where etcd is: add --etcd-endpoints http://HOST:2379, one for each member')
  if ((etcdCertFile === undefined) !== (etcdKeyFile === undefined))
    throw new StoreConfigError('--etcd-cert-file and --etcd-key-file are one pair: give both or neither')
  if ((etcdUser === undefined) !== (etcdPasswordFile === undefined))
    throw new StoreConfigError('--etcd-user and --etcd-password-file go together: give both or neither')
  const password = etcdPasswordFile === undefined ? undefined : (await readOption('--etcd-password-file', etcdPasswordFile)).toString()
  return {
    endpoints: etcdEndpoints,
    ...(etcdPrefix !== undefined && { prefix: etcdPrefix }),
    ...(etcdCaFile !== undefined && { ca: await readOption('--etcd-ca-file', etcdCaFile) }),
    ...(etcdCertFile !== undefined &&
      etcdKeyFile !== undefined && {
        certificate: { cert: await readOption('--etcd-cert-file', etcdCertFile), key: await readOption('--etcd-key-file', etcdKeyFile) },
      }),
    ...(etcdUser !== undefined && password !== undefined && { user: { name: etcdUser, password: password.split(/\r?\n/)[0]! } }),
  }
}

async function readOption(flag: string, file: string): Promise<Buffer> {
  return await readFile(file).catch((cause: Error) => {
    throw new StoreConfigError(`${flag} ${file} cannot be read: ${cause.message}`, { cause })
  })
}

export class StoreConfigError extends Error {
  override name = 'StoreConfigError'
  readonly code = 'SKERRY_STORE_CONFIG'
}

export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError'
  readonly code = 'SKERRY_DATA_UNUSABLE'
  constructor(dataDir: string, cause: Error) {
    super(`${dataDir} cannot be made: ${cause.message}: give another place with --data DIR`, { cause })
  }
}
