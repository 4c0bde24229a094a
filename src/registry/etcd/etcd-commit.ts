import type { ITxnRequest, ITxnResponse } from 'etcd3'
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
import type { EtcdKeys } from './etcd-keys.ts'
import type { CommitSlots, Slot } from './etcd-slots.ts'
import { type CommitPlan, canCompareEach, commitTransaction, failureReads, firstConflict, revisionOf } from './etcd-transaction.ts'

interface Context {
  readonly client: EtcdClient
  readonly keys: EtcdKeys
  readonly slots: CommitSlots
}

/** What a transaction that did not apply read. */
interface Refusal {
  /** Where the slot is; not where it was left when an earlier try was applied. */
  readonly slot: Revision
  readonly head: Revision
  readonly isLeader: boolean
  readonly revisions: ReadonlyMap<string, Revision>
}

/**
 * Makes one commit, once. A try that goes unanswered is repeated elsewhere with the same comparison of the slot: when the first was applied
 * after all, the second finds the slot at the revision that the first gave it, and that is the commit's.
 */
export async function commitToEtcd(operations: readonly StoreOperation[], fence: Fence | undefined, context: Context): Promise<Revision> {
  const { slots } = context
  const slot = await slots.take()
  try {
    const revision = await attempt(operations, fence, slot, context)
    slots.give(slot)
    return revision
  } catch (error) {
    if (error instanceof RevisionConflictError || error instanceof LeadershipLostError) slots.give(slot)
    else await slots.drop()
    throw error
  }
}

async function attempt(operations: readonly StoreOperation[], fence: Fence | undefined, slot: Slot, context: Context): Promise<Revision> {
  const { client, keys } = context
  const backoff = new Backoff({ baseMs: 5, maxMs: 100 })
  for (let round = 0; ; round++) {
    const prepared = await prepare(operations, context)
    if (prepared.kind === 'nothing') return prepared.revision
    const plan: CommitPlan = { operations, fence, slot, ...prepared.plan }
    const { value, hasOpenTries } = await send(commitTransaction(plan, keys, client.name), slot, context)
    if (value.succeeded) {
      slot.revision = Number(value.header.revision)
      return slot.revision
    }
    const refusal = readRefusal(value, plan)
    if (refusal.slot !== slot.revision) {
      slot.revision = refusal.slot
      return refusal.slot
    }
    // Nothing was applied so far; a try that is still on its way must not be applied after we have said so, or beside the next round.
    const appliedAt = hasOpenTries ? await closeOpenTries(slot, context) : undefined
    if (appliedAt !== undefined) return appliedAt
    if (!refusal.isLeader) throw new LeadershipLostError(fence!.role)
    const conflict = plan.guard.kind === 'each' ? firstConflict(operations, refusal.revisions) : undefined
    if (conflict) throw new RevisionConflictError(conflict.key, conflict.expected, conflict.actual)
    if (isOneDelete(operations)) return refusal.head // the one key that was to go is not there
    if (round > 50) throw new StoreUnavailableError(client.name, 'others wrote in between all the time', false)
    await sleep(systemClock, backoff.nextMs())
  }
}

type Prepared =
  | { readonly kind: 'plan'; readonly plan: Pick<CommitPlan, 'guard' | 'anchor'> }
  | { readonly kind: 'nothing'; readonly revision: Revision }

/** Most commits need no reading first. */
async function prepare(operations: readonly StoreOperation[], context: Context): Promise<Prepared> {
  const changesForSure = operations.some(({ kind, expect }) => kind === 'put' || typeof expect === 'number')
  const compareEach = canCompareEach(operations)
  if (compareEach && changesForSure) return { kind: 'plan', plan: { guard: { kind: 'each' } } }
  if (isOneDelete(operations)) return { kind: 'plan', plan: { guard: { kind: 'each' }, anchor: operations[0]!.key } }

  const { head, revisions } = await readRevisions(operations, context)
  const conflict = firstConflict(operations, revisions)
  if (conflict) throw new RevisionConflictError(conflict.key, conflict.expected, conflict.actual)
  const anchor = changesForSure ? undefined : operations.find(({ key }) => revisions.has(formatKey(key)))?.key
  if (!changesForSure && !anchor) return { kind: 'nothing', revision: head }
  return { kind: 'plan', plan: { guard: compareEach ? { kind: 'each' } : { kind: 'head', revision: head }, ...(anchor && { anchor }) } }
}

function isOneDelete(operations: readonly StoreOperation[]): boolean {
  return operations.length === 1 && operations[0]!.kind === 'delete' && operations[0]!.expect === undefined
}

/** At which revision each of these keys is, all at one revision of the store. */
async function readRevisions(operations: readonly StoreOperation[], { client, keys }: Context) {
  const revisions = new Map<string, Revision>()
  let head: Revision | undefined
  for (let start = 0; start < operations.length; start += keysPerRead) {
    const part = operations.slice(start, start + keysPerRead).map(({ key }) => key)
    const success = [revisionOf(keys.head), ...part.map(key => revisionOf(keys.record(key)))]
    const { value } = await client.call<ITxnResponse>('KV', 'txn', { success } satisfies ITxnRequest)
    const [at, ...found] = value.responses.map(modRevision)
    head ??= at!
    // A later part may have been read later: the head that this is compared with is that of the first part, so it will not pass.
    for (const [index, revision] of found.entries()) if (revision > 0) revisions.set(formatKey(part[index]!), revision)
  }
  return { head: head!, revisions }
}

const keysPerRead = 120

async function send(transaction: ITxnRequest, slot: Slot, { client, slots }: Context) {
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
 * Moves the slot, so that no open try finds it as it was. @returns the commit's revision when one of them was quicker.
 */
async function closeOpenTries(slot: Slot, { client }: Context): Promise<Revision | undefined> {
  const { value } = await client.call<ITxnResponse>('KV', 'txn', {
    compare: [{ key: slot.key, target: 'Mod', result: 'Equal', mod_revision: slot.revision }],
    success: [{ request_put: { key: slot.key, value: closed, lease: slot.lease } }],
    failure: [{ request_range: { key: slot.key } }],
  } satisfies ITxnRequest)
  if (value.succeeded) {
    slot.revision = Number(value.header.revision)
    return undefined
  }
  const found = value.responses[0]!.response_range.kvs[0]
  slot.revision = Number(found?.mod_revision ?? 0)
  // It may also be this very call that went unanswered once.
  return found && !found.value.equals(closed) ? slot.revision : undefined
}

const closed = Buffer.from('closed')

function readRefusal({ responses }: ITxnResponse, { operations, fence, guard, anchor }: CommitPlan): Refusal {
  const [slot, head] = responses.map(modRevision) as [Revision, Revision]
  const leader = responses[2]!.response_range.kvs[0]
  const expected: ResourceKey[] = guard.kind === 'each' ? operations.filter(({ expect }) => expect !== undefined).map(({ key }) => key) : []
  const revisions = new Map<string, Revision>()
  for (const [index, key] of expected.entries()) {
    const revision = modRevision(responses[failureReads + (anchor ? 1 : 0) + index]!)
    if (revision > 0) revisions.set(formatKey(key), revision)
  }
  return { slot, head, isLeader: !fence || (leader !== undefined && Number(leader.create_revision) === fence.term), revisions }
}

/** 0 when the key is absent. */
function modRevision(response: ITxnResponse['responses'][number]): Revision {
  return Number(response.response_range.kvs[0]?.mod_revision ?? 0)
}
