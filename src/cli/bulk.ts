import type { KindDefinition } from '../model/kind.ts'
import type { ApiClient } from './api-client.ts'
import { toApiError } from './api-error.ts'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'

/** One item of `POST /bulk`, and whom it is of. */
export interface BulkItem {
  readonly kind: KindDefinition
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
  /** `FILE:LINE:COLUMN` of one of its fields; absent when it was in no file. */
  readonly place?: (field: string) => string
}

export type BulkOutcome<Item extends BulkItem = BulkItem> = { readonly item: Item } & (
  | { readonly kind: 'done'; readonly result: string; readonly warnings: readonly string[] }
  | { readonly kind: 'rejected'; readonly error: CliError }
  /** Nothing is wrong with it, but with another one that was sent together with it. */
  | { readonly kind: 'left out' }
)

/** What a control plane takes at once, with room for what it counts differently. */
const MOST_ITEMS = 5000
const MOST_BYTES = 3_500_000

/**
 * Sends items, in portions of one transaction each – one portion, but for a great many, or for a store that takes less at once –, and stops
 * at the first that is refused. Throws where the refusal is of the whole and not of an item: no such token, no such control plane.
 */
export async function sendBulk<Item extends BulkItem>(
  api: ApiClient,
  items: readonly Item[],
  dryRun: boolean,
): Promise<BulkOutcome<Item>[]> {
  return sendInTurn(api, [...portionsOf(items)], dryRun)
}

async function sendInTurn<Item extends BulkItem>(
  api: ApiClient,
  portions: readonly (readonly Item[])[],
  dryRun: boolean,
): Promise<BulkOutcome<Item>[]> {
  const outcomes: BulkOutcome<Item>[] = []
  let isRefused = false
  for (const portion of portions) {
    const told: readonly BulkOutcome<Item>[] = isRefused
      ? portion.map((item): BulkOutcome<Item> => ({ item, kind: 'left out' }))
      : await sendPortion(api, portion, dryRun)
    isRefused ||= told.some(({ kind }) => kind !== 'done')
    outcomes.push(...told)
  }
  return outcomes
}

async function sendPortion<Item extends BulkItem>(api: ApiClient, items: readonly Item[], dryRun: boolean): Promise<BulkOutcome<Item>[]> {
  const path = dryRun ? '/bulk?dryRun=true' : '/bulk'
  const response = await api.send('POST', path, { items: items.map(({ body }) => body) })
  if (response.status === 200) {
    const told = (response.body as { readonly items: readonly { readonly result: string; readonly warnings?: readonly string[] }[] }).items
    return items.map((item, index) => ({ item, kind: 'done', result: told[index]?.result ?? '', warnings: told[index]?.warnings ?? [] }))
  }
  if (response.status === 413 && items.length > 1) {
    const half = Math.ceil(items.length / 2)
    return sendInTurn(api, [items.slice(0, half), items.slice(half)], dryRun)
  }
  const error = toApiError(response, `POST ${path}`)
  const byItem = Map.groupBy(error.problem?.invalid_parameters ?? [], ({ field }) => Number(/^items\[(\d+)\]/.exec(field)?.[1] ?? -1))
  // Neither of these is about an object: every other one would fail the same way.
  if (error.exitCode === exitCodes.notAuthorised || error.exitCode === exitCodes.temporary || byItem.size === 0 || byItem.has(-1))
    throw error
  return items.map((item, index) => {
    const parameters = byItem.get(index)
    return parameters ? { item, kind: 'rejected', error: withPlaces(error, item, parameters) } : { item, kind: 'left out' }
  })
}

function* portionsOf<Item extends BulkItem>(items: readonly Item[]): Generator<readonly Item[]> {
  let portion: Item[] = []
  let bytes = 0
  for (const item of items) {
    const size = JSON.stringify(item.body).length
    if (portion.length > 0 && (portion.length === MOST_ITEMS || bytes + size > MOST_BYTES)) {
      yield portion
      portion = []
      bytes = 0
    }
    portion.push(item)
    bytes += size
  }
  if (portion.length > 0) yield portion
}

/** The API names fields; a person wants to know where in the file they stand. */
function withPlaces(error: CliError, item: BulkItem, parameters: readonly { readonly field: string; readonly reason: string }[]): CliError {
  const { place = () => '' } = item
  const found = parameters.map(({ field, reason }) => {
    const own = field.replace(/^items\[\d+\](?:\.(?:resource|delete))?\.?/, '')
    return { field: [place(own), own].filter(Boolean).join(' '), reason }
  })
  const isWhole = parameters.every(({ field }) => /^items\[\d+\]$/.test(field))
  const reason = isWhole ? parameters.map(({ reason }) => reason).join('; ') : 'Resource is not valid'
  return new CliError(`${item.kind.kind} ${item.name} is refused: ${reason}`, {
    code: error.code,
    exitCode: error.exitCode === exitCodes.conflict ? exitCodes.conflict : exitCodes.badInput,
    fix: isWhole && error.fix ? error.fix : 'correct the file at that place and apply it again; nothing was written',
    problem: {
      ...error.problem,
      detail: [place(''), reason].filter(Boolean).join(': '),
      ...(isWhole ? { invalid_parameters: undefined } : { invalid_parameters: found }),
    },
  })
}
