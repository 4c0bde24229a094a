import type { IRangeResponse, ITxnRequest, ITxnResponse } from 'etcd3'
import { formatKey, type ResourceKey, type Revision } from '../../model/resource.ts'
import { Backoff } from '../../std/backoff.ts'
import { sleep, systemClock } from '../../std/clock.ts'
import type { Fence } from '../leadership.ts'
import {
  CommitTooLargeError,
  LeadershipLostError,
  RevisionConflictError,
  StoreFullError,
  type StoreOperation,
  StoreUnavailableError,
} from '../store.ts'
import type { EtcdClient } from './etcd-client.ts'
import { EtcdCallError } from './etcd-errors.ts'
import { headRevision, recordRevision } from './etcd-head.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { storeRevision } from './etcd-revision.ts'
import type { CommitSlots, Slot } from './etcd-slots.ts'
import {
  type CommitPlan,
  canCompareEach,
  commitTransaction,
  expectedKeys,
  failureReads,
  firstConflict,
  readOf,
} from './etcd-transaction.ts'

/** What commits are made with. */
export interface CommitContext {
  readonly client: EtcdClient
  readonly keys: EtcdKeys
  readonly slots: CommitSlots
}

/** What a transaction that did not apply read. */
interface Refusal {
  /** At which revision of etcd the slot is; not where it was left when an earlier try was applied. */
  readonly slot: number
  readonly head: Revision
  readonly isLeader: boolean
  readonly revisions: ReadonlyMap<string, Revision>
}

/**
 * Applies one commit, or several together, once: all of them or none. Several put only, and have no key in common. A try that goes unanswered
 * is repeated elsewhere with the same comparison of the slot: when the first was applied after all, the second finds the slot at the revision
 * that the first gave it, and that is theirs. @returns the revision of each.
 */
export async function commitToEtcd(
  commits: readonly (readonly StoreOperation[])[],
  fence: Fence | undefined,
  context: CommitContext,
): Promise<readonly Revision[]> {
  const { slots } = context
  const slot = await slots.take()
  try {
    const outcome = await attempt(commits, fence, slot, context)
    slots.give(slot)
    if (outcome.kind === 'nothing') return [outcome.revision]
    return commits.map((_, place) => storeRevision(outcome.etcdRevision, place))
  } catch (error) {
    if (error instanceof RevisionConflictError || error instanceof LeadershipLostError) slots.give(slot)
    else await slots.drop()
    throw error
  }
}

/** `nothing`: there was nothing to change, and the store stays at this revision. */
type Outcome = { readonly kind: 'applied'; readonly etcdRevision: number } | { readonly kind: 'nothing'; readonly revision: Revision }

async function attempt(
  commits: readonly (readonly StoreOperation[])[],
  fence: Fence | undefined,
  slot: Slot,
  context: CommitContext,
): Promise<Outcome> {
  const { client, keys } = context
  const operations = commits.flat()
  const backoff = new Backoff({ baseMs: 5, maxMs: 100 })
  for (let round = 0; ; round++) {
    const prepared = await prepare(operations, context)
    if (prepared.kind === 'nothing') return prepared
    const plan: CommitPlan = { commits, fence, slot, ...prepared.plan }
    const { value, hasOpenTries } = await send(commitTransaction(plan, keys, client.name), slot, context)
    if (value.succeeded) {
      slot.etcdRevision = Number(value.header.revision)
      return { kind: 'applied', etcdRevision: slot.etcdRevision }
    }
    const refusal = readRefusal(value, plan)
    if (refusal.slot !== slot.etcdRevision) {
      slot.etcdRevision = refusal.slot
      return { kind: 'applied', etcdRevision: refusal.slot }
    }
    // Nothing was applied so far; a try that is still on its way must not be applied after we have said so, or beside the next round.
    const appliedAt = hasOpenTries ? await closeOpenTries(slot, context) : undefined
    if (appliedAt !== undefined) return { kind: 'applied', etcdRevision: appliedAt }
    if (!refusal.isLeader) throw new LeadershipLostError(fence!.role)
    const conflict = plan.guard.kind === 'each' ? firstConflict(operations, refusal.revisions) : undefined
    if (conflict) throw new RevisionConflictError(conflict.key, conflict.expected, conflict.actual)
    if (isOneDelete(operations)) return { kind: 'nothing', revision: refusal.head } // the one key that was to go is not there
    if (round > 50) throw new StoreUnavailableError(client.name, 'others wrote in between all the time', false)
    await sleep(systemClock, backoff.nextMs())
  }
}

type Prepared =
  | { readonly kind: 'plan'; readonly plan: Pick<CommitPlan, 'guard' | 'anchor'> }
  | { readonly kind: 'nothing'; readonly revision: Revision }

/** Most commits need no reading first. */
async function prepare(operations: readonly StoreOperation[], context: CommitContext): Promise<Prepared> {
  const changesForSure = operations.some(({ kind, expect }) => kind === 'put' || typeof expect === 'number')
  const compareEach = canCompareEach(operations)
  if (compareEach && changesForSure) return { kind: 'plan', plan: { guard: { kind: 'each' } } }
  if (isOneDelete(operations)) return { kind: 'plan', plan: { guard: { kind: 'each' }, anchor: operations[0]!.key } }

  const { head, revisions } = await readRevisions(operations, context)
  const conflict = firstConflict(operations, revisions)
  if (conflict) throw new RevisionConflictError(conflict.key, conflict.expected, conflict.actual)
  const anchor = changesForSure ? undefined : operations.find(({ key }) => revisions.has(formatKey(key)))?.key
  if (!changesForSure && !anchor) return { kind: 'nothing', revision: head.revision }
  return {
    kind: 'plan',
    plan: { guard: compareEach ? { kind: 'each' } : { kind: 'head', etcdRevision: head.etcdRevision }, ...(anchor && { anchor }) },
  }
}

function isOneDelete(operations: readonly StoreOperation[]): boolean {
  return operations.length === 1 && operations[0]!.kind === 'delete' && operations[0]!.expect === undefined
}

/** At which revision each of these keys is, all at one revision of the store. */
async function readRevisions(operations: readonly StoreOperation[], { client, keys }: CommitContext) {
  const revisions = new Map<string, Revision>()
  let head: { readonly revision: Revision; readonly etcdRevision: number } | undefined
  for (let start = 0; start < operations.length; start += keysPerRead) {
    const part = operations.slice(start, start + keysPerRead).map(({ key }) => key)
    const success = [readOf(keys.head), ...part.map(key => readOf(keys.record(key)))]
    const { value } = await client.call<ITxnResponse>('KV', 'txn', { success } satisfies ITxnRequest)
    const [at, ...found] = value.responses.map(({ response_range }) => response_range)
    head ??= { revision: headRevision(at!), etcdRevision: modRevision(at!) }
    // A later part may have been read later: the head that this is compared with is that of the first part, so it will not pass.
    for (const [index, record] of found.entries()) if (record.kvs.length > 0) revisions.set(formatKey(part[index]!), recordRevision(record))
  }
  return { head: head!, revisions }
}

const keysPerRead = 120

async function send(transaction: ITxnRequest, slot: Slot, { client, slots }: CommitContext) {
  try {
    return await client.call<ITxnResponse>('KV', 'txn', transaction)
  } catch (error) {
    if (!(error instanceof EtcdCallError)) throw error
    if (error.isFull) throw new StoreFullError(client.name, { cause: error })
    if (error.isTooLarge) throw new CommitTooLargeError(client.name, error.details)
    if (error.isUnknownLease) {
      await slots.lose(slot)
      throw new StoreUnavailableError(client.name, 'it forgot this process while it was away', true)
    }
    throw error
  }
}

/**
 * Moves the slot, so that no open try finds it as it was. @returns etcd's revision of the transaction when one of them was quicker.
 */
async function closeOpenTries(slot: Slot, { client }: CommitContext): Promise<number | undefined> {
  const { value } = await client.call<ITxnResponse>('KV', 'txn', {
    compare: [{ key: slot.key, target: 'Mod', result: 'Equal', mod_revision: slot.etcdRevision }],
    success: [{ request_put: { key: slot.key, value: closed, lease: slot.lease } }],
    failure: [{ request_range: { key: slot.key } }],
  } satisfies ITxnRequest)
  if (value.succeeded) {
    slot.etcdRevision = Number(value.header.revision)
    return undefined
  }
  const found = value.responses[0]!.response_range.kvs[0]
  slot.etcdRevision = Number(found?.mod_revision ?? 0)
  // It may also be this very call that went unanswered once.
  return found && !found.value.equals(closed) ? slot.etcdRevision : undefined
}

const closed = Buffer.from('closed')

function readRefusal({ responses }: ITxnResponse, { commits, fence, guard, anchor }: CommitPlan): Refusal {
  const read = responses.map(({ response_range }) => response_range)
  const leader = read[2]!.kvs[0]
  const expected: ResourceKey[] = guard.kind === 'each' ? expectedKeys(commits.flat()) : []
  const revisions = new Map<string, Revision>()
  for (const [index, key] of expected.entries()) {
    const record = read[failureReads + (anchor ? 1 : 0) + index]!
    if (record.kvs.length > 0) revisions.set(formatKey(key), recordRevision(record))
  }
  return {
    slot: modRevision(read[0]!),
    head: headRevision(read[1]!),
    isLeader: !fence || (leader !== undefined && Number(leader.create_revision) === fence.term),
    revisions,
  }
}

/** etcd's; 0 when the key is absent. */
function modRevision({ kvs: [kv] }: Pick<IRangeResponse, 'kvs'>): number {
  return Number(kv?.mod_revision ?? 0)
}
