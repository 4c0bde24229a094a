import type { ICompare, IRequestOp, ITxnRequest } from 'etcd3'
import { formatKey, type ResourceKey, type Revision } from '../../model/resource.ts'
import type { Fence } from '../leadership.ts'
import { CommitTooLargeError, type Expectation, type StoreOperation } from '../store.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { etcdRevision, headText, recordText } from './etcd-revision.ts'

/** One commit, or several that have no key in common, as one transaction of etcd: all of it applies, or nothing. */
export interface CommitPlan {
  readonly commits: readonly (readonly StoreOperation[])[]
  readonly fence: Fence | undefined
  readonly slot: { readonly key: Buffer; readonly lease: string; readonly etcdRevision: number }
  /**
   * `each`: every expectation is compared by itself, and writers of other keys do not matter. `head`: the expectations were found to hold
   * at this revision of the store, and nothing may have been written since: for commits with more expectations than etcd compares.
   */
  readonly guard: { readonly kind: 'each' } | { readonly kind: 'head'; readonly etcdRevision: number }
  /** A key that must exist: known to be there by a commit that only deletes, so that it never counts as one when it changes nothing. */
  readonly anchor?: ResourceKey
}

/** etcd's default for `--max-txn-ops`. It holds for compares, for operations, and, less what was used above, for nested transactions. */
const maxOperations = 128
/** Slot, head and fence; they open every failure branch, in this order. */
export const failureReads = 3

/**
 * Everything under one revision of etcd, however many operations: what does not fit into a flat transaction is nested, which etcd
 * applies as one. The slot makes it apply at most once; the head comes last. Throws CommitTooLargeError.
 * https://etcd.io/docs/v3.5/learning/api/#transaction
 */
export function commitTransaction(plan: CommitPlan, keys: EtcdKeys, where: string): ITxnRequest {
  const { commits, fence, slot, guard, anchor } = plan
  const operations = commits.flat()
  const compare: ICompare[] = [isAt(slot.key, slot.etcdRevision)]
  if (fence) compare.push({ key: keys.leader(fence.role), target: 'Create', result: 'Equal', create_revision: fence.term })
  if (guard.kind === 'head') compare.push(isAt(keys.head, guard.etcdRevision))
  else
    for (const { key, expect } of operations)
      if (expect !== undefined) compare.push(isAt(keys.record(key), expect === 'absent' ? 0 : etcdRevision(expect)))
  if (anchor) compare.push({ key: keys.record(anchor), target: 'Version', result: 'Greater', version: 0 })

  const changes = commits.flatMap((commit, place) => commit.flatMap(operation => requestOp(operation, place, keys)))
  const bookkeeping: IRequestOp[] = [
    { request_put: { key: slot.key, value: empty, lease: slot.lease } },
    {
      request_put: { key: keys.head, value: Buffer.from(headText({ events: expectedEvents(operations), lastPlace: commits.length - 1 })) },
    },
  ]
  return { compare, success: [...nest(changes, where), ...bookkeeping], failure: failureBranch(plan, keys) }
}

/** What must be known when the compares fail: what became of an earlier try, who leads, and what the expected keys are at. */
function failureBranch({ commits, fence, slot, guard, anchor }: CommitPlan, keys: EtcdKeys): IRequestOp[] {
  const leader = fence ? keys.leader(fence.role) : keys.head
  const expected = guard.kind === 'each' ? expectedKeys(commits.flat()) : []
  return [slot.key, keys.head, leader, ...(anchor ? [anchor] : []).concat(expected).map(key => keys.record(key))].map(readOf)
}

export function expectedKeys(operations: readonly StoreOperation[]): ResourceKey[] {
  return operations.filter(({ expect }) => expect !== undefined).map(({ key }) => key)
}

/** With its value: a record's place in its transaction stands there. */
export function readOf(key: Buffer): IRequestOp {
  return { request_range: { key } }
}

/** How many events these make, where that is certain; a watch checks it. A delete without an expectation may make none. */
function expectedEvents(operations: readonly StoreOperation[]): number | undefined {
  const isCertain = operations.every(({ kind, expect }) => kind === 'put' || typeof expect === 'number')
  return isCertain ? operations.length : undefined
}

function requestOp(operation: StoreOperation, place: number, keys: EtcdKeys): IRequestOp[] {
  const key = keys.record(operation.key)
  if (operation.kind === 'put') return [{ request_put: { key, value: Buffer.from(recordText(operation.value, place)) } }]
  return operation.expect === 'absent' ? [] : [{ request_delete_range: { key } }]
}

/** Never true of a key that was deleted and made again: revisions do not come back. 0 is an absent key. No key is twice in one transaction,
 *  so etcd's revision alone tells which state of it is meant. */
function isAt(key: Buffer, etcdRevision: number): ICompare {
  return { key, target: 'Mod', result: 'Equal', mod_revision: etcdRevision }
}

const empty = Buffer.alloc(0)
/** Beside the operations there are slot and head, and the compares and the failure branch use up as much of the allowance. */
const flat = maxOperations - 2
const levels = [
  { groups: 1, size: flat, innerSize: flat },
  { groups: 62, size: 64, innerSize: 64 },
  { groups: 40, size: 42 * 42, innerSize: 42 },
] as const

/** Whether all expectations can be compared one by one; with more of them they are guarded by the head. */
export function canCompareEach(operations: readonly StoreOperation[]): boolean {
  const expectations = operations.filter(({ expect }) => expect !== undefined).length
  return expectations <= (operations.length <= flat ? 120 : 40)
}

/** 126 operations as they are, 3,968 two deep, 70,560 three deep: more than etcd takes by their bytes. */
function nest(operations: readonly IRequestOp[], where: string): IRequestOp[] {
  if (operations.length <= flat) return [...operations]
  const level = levels.find(({ groups, size }) => operations.length <= groups * size)
  if (!level) throw new CommitTooLargeError(where, `${operations.length} changes, ${levels[2].groups * levels[2].size} at most`)
  return inGroups(operations, level.size, level.innerSize)
}

function inGroups(operations: readonly IRequestOp[], size: number, innerSize: number): IRequestOp[] {
  const groups: IRequestOp[] = []
  for (let start = 0; start < operations.length; start += size) {
    const group = operations.slice(start, start + size)
    groups.push({ request_txn: { success: size > innerSize ? inGroups(group, innerSize, innerSize) : group } })
  }
  return groups
}

/** The expectation that does not hold, going by what the keys are at; keys that are missing there are absent. */
export function firstConflict(
  operations: readonly StoreOperation[],
  revisions: ReadonlyMap<string, Revision>,
): { readonly key: ResourceKey; readonly expected: Expectation; readonly actual: Expectation } | undefined {
  for (const { key, expect } of operations) {
    if (expect === undefined) continue
    const actual = revisions.get(formatKey(key)) ?? 'absent'
    if (actual !== expect) return { key, expected: expect, actual }
  }
  return undefined
}
