import type { IKeyValue, IRangeResponse, ITxnResponse } from 'etcd3'
import type { Revision } from '../../model/resource.ts'
import type { StoredRecord, StoreSnapshot } from '../store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { EtcdCallError } from './etcd-errors.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { parseHeadText, parseRecordText, storeRevision } from './etcd-revision.ts'

export interface Head {
  /** Of the store: that of its last commit, 0 when there has been none. Never an older one than any member has acknowledged. */
  readonly revision: Revision
  /** etcd's, when this was read: up to here the store has no later commit. */
  readonly at: number
}

export async function readHead(client: EtcdClient, keys: EtcdKeys): Promise<Head> {
  const { value } = await client.call<IRangeResponse>('KV', 'range', { key: keys.head })
  return { revision: headRevision(value), at: Number(value.header.revision) }
}

/** The store's revision, from what was read of the head. */
export function headRevision({ kvs: [head] }: Pick<IRangeResponse, 'kvs'>): Revision {
  return head ? storeRevision(Number(head.mod_revision), parseHeadText(head.value.toString()).lastPlace) : 0
}

/** At which revision a record is, from what was read of its key; 0 when it is absent. */
export function recordRevision({ kvs: [kv] }: Pick<IRangeResponse, 'kvs'>): Revision {
  return kv ? storeRevision(Number(kv.mod_revision), parseRecordText(kv.value.toString()).place) : 0
}

/** Everything, at one revision, read in pages so that neither side holds it twice. */
export async function readSnapshot(client: EtcdClient, keys: EtcdKeys): Promise<StoreSnapshot> {
  for (;;) {
    try {
      return await readPages(client, keys)
    } catch (error) {
      if (!(error instanceof EtcdCallError && error.isCompacted)) throw error // it was compacted between two pages: begin again
    }
  }
}

const pageLimit = 2000
/** Pages are large: an etcd under load may take its time. ms. */
const pageTimeoutMs = 10_000

async function readPages(client: EtcdClient, keys: EtcdKeys): Promise<StoreSnapshot> {
  const first = { request_range: { ...keys.records, limit: pageLimit } }
  const { value } = await client.call<ITxnResponse>('KV', 'txn', { success: [{ request_range: { key: keys.head } }, first] }, pageTimeoutMs)
  const head = headRevision(value.responses[0]!.response_range)
  const records: StoredRecord[] = []
  let page: IRangeResponse = value.responses[1]!.response_range
  for (;;) {
    for (const kv of page.kvs) records.push(recordOf(kv, keys))
    const last = page.kvs.at(-1)
    if (!page.more || !last) return { revision: head, records }
    const next = {
      ...keys.records,
      key: Buffer.concat([last.key, Buffer.alloc(1)]),
      limit: pageLimit,
      revision: Number(value.header.revision),
    }
    page = (await client.call<IRangeResponse>('KV', 'range', next, pageTimeoutMs)).value
  }
}

function recordOf(kv: IKeyValue, keys: EtcdKeys): StoredRecord {
  const { value, place } = parseRecordText(kv.value.toString())
  return { key: keys.parseRecord(kv.key)!, value, revision: storeRevision(Number(kv.mod_revision), place) }
}
