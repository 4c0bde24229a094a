import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { StoreReport } from '../registry/sqlite-copy.ts'
import { CliError } from './cli-error.ts'
import type { Invocation } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { printAnswer } from './output/format.ts'

/** The store that a person means by a data directory, or by the file itself. */
export function storeFileAt(path: string, cwd: string): string {
  const place = resolve(cwd, path)
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ? join(place, 'store.db') : place
}

/** Runs what reads or writes stores, and turns their errors into exit codes: 65 damaged, 75 in use, 5 there already. */
export async function withStoreErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code, problem, advice, message } = error as { code?: string; problem?: string; advice?: string; message: string }
    const exitCode = code === undefined ? undefined : exitCodeByCode[code]
    if (code === undefined || exitCode === undefined) throw error
    throw new CliError(problem ?? message, { code, exitCode, cause: error, ...(advice === undefined ? {} : { fix: advice }) })
  }
}

const exitCodeByCode: Readonly<Record<string, (typeof exitCodes)[keyof typeof exitCodes]>> = {
  SKERRY_STORE_DAMAGED: exitCodes.badInput,
  SKERRY_STORE_VERSION: exitCodes.badInput,
  SKERRY_STORE_OWNER: exitCodes.conflict,
  SKERRY_STORE_LOCKED: exitCodes.temporary,
  SKERRY_STORE_EXISTS: exitCodes.conflict,
}

/** For people the verdict and what lies there; for programs the report. */
export async function printReport<R extends StoreReport>(verdict: string, report: R, invocation: Invocation): Promise<void> {
  const kinds = Object.entries(report.kinds).map(([kind, count]) => [kind, String(count)])
  if (invocation.format === 'table') {
    const owner = report.owner === null ? '' : `, of ${report.owner}`
    invocation.io.out(`${verdict}\n${report.file}${owner}: revision ${report.revision}, ${report.records} records, ${report.bytes} bytes\n`)
    if (kinds.length === 0) return
  }
  await printAnswer({ body: report, names: [report.file], table: () => ({ columns: ['KIND', 'RECORDS'], rows: kinds }) }, invocation)
}

export function refuseMissing(file: string): void {
  if (existsSync(file)) return
  throw new CliError(`there is no store at ${file}`, {
    code: 'SKERRY_STORE_MISSING',
    exitCode: exitCodes.notFound,
    fix: 'name the data directory of a control plane (its --data), or a backup',
  })
}
