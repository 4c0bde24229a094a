import { type BulkItem, type BulkOutcome, sendBulk } from '../bulk.ts'
import { errorAsJson, formatError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readObjects } from '../files.ts'
import { printAnswer } from '../output/format.ts'
import { findPruned, readPruning } from '../prune.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, mesh, format, io } = invocation
  const dryRun = options.dryRun === true
  const objects = await readObjects((options.filename as readonly string[] | undefined) ?? [], mesh, io)
  const pruning = readPruning(options, objects)
  const api = await invocation.api()
  const items: BulkItem[] = objects.map(({ kind, mesh, name, body, place }) => ({ kind, mesh, name, place, body: { resource: body } }))
  if (pruning) items.push(...(await findPruned(api, pruning, objects)))

  const outcomes = await sendBulk(api, items, dryRun)
  for (const outcome of outcomes) {
    const { kind, name, place } = outcome.item
    if (outcome.kind === 'done')
      for (const warning of outcome.warnings) io.err(`warning: ${place ? `${place('')} ` : ''}${kind.kind} ${name}: ${warning}\n`)
    if (outcome.kind === 'rejected')
      io.err(format === 'json' || format === 'jsonl' ? errorAsJson(outcome.error) : formatError(outcome.error))
  }
  const body = outcomes.map(outcome => ({
    type: outcome.item.kind.kind,
    ...(outcome.item.mesh ? { mesh: outcome.item.mesh } : {}),
    name: outcome.item.name,
    result: resultOf(outcome),
    ...(dryRun ? { dryRun } : {}),
    ...(outcome.kind === 'done' && outcome.warnings.length > 0 ? { warnings: outcome.warnings } : {}),
  }))
  const rows = body.map(({ type, mesh = '', name, result }) => [type, mesh, name, dryRun ? `${result} (dry run)` : result])
  await printAnswer(
    {
      body,
      items: body,
      names: outcomes.map(({ item }) => `${item.kind.path}/${item.name}`),
      table: () => ({ columns: ['KIND', 'MESH', 'NAME', 'RESULT'], rows }),
    },
    invocation,
  )
  return exitCodeOfAll(outcomes)
}

function resultOf(outcome: BulkOutcome): string {
  if (outcome.kind !== 'done') return outcome.kind === 'rejected' ? 'rejected' : 'not applied'
  if (outcome.result === 'updated') return 'configured'
  return outcome.result === 'deleted' || outcome.result === 'absent' ? 'pruned' : outcome.result
}

/** Only what was sent in several portions can be applied in part. */
function exitCodeOfAll(outcomes: readonly BulkOutcome[]): number {
  const rejected = outcomes.find(({ kind }) => kind === 'rejected')
  if (rejected?.kind !== 'rejected') return exitCodes.ok
  return outcomes.some(({ kind }) => kind === 'done') ? exitCodes.partlyApplied : rejected.error.exitCode
}
