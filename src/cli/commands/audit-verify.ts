import { resolve } from 'node:path'
import { type AuditReport, describeBreak, verifyDirectory } from '../../audit/verify.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

/** Asks the control plane, or with --dir reads the files, also of one that does not run. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation
  const dir = options.dir as string | undefined
  const report =
    dir === undefined ? await (await invocation.api()).get<AuditReport>('/audit/verification') : await verifyDirectory(resolve(io.cwd, dir))
  const { intact, entries, first, head, breaks } = report
  const table = () => ({
    columns: ['INTACT', 'ENTRIES', 'FIRST', 'LAST', 'HASH OF LAST'],
    rows: [[intact ? 'yes' : 'NO', String(entries), String(first), String(head.sequence), head.hash]],
  })
  await printAnswer({ body: report, names: [intact ? 'intact' : 'broken'], table }, invocation)
  for (const found of breaks) io.err(`${describeBreak(found)}\n`)
  return intact ? exitCodes.ok : exitCodes.failed
}
