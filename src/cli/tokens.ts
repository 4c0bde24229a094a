import { open } from 'node:fs/promises'
import { CliError } from './cli-error.ts'
import type { Invocation } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { printAnswer } from './output/format.ts'

/** Asks for a token and hands it over: to a file of its owner alone, or to stdout. */
export async function makeToken(path: string, request: Readonly<Record<string, unknown>>, invocation: Invocation): Promise<number> {
  const { options, io, format } = invocation
  const api = await invocation.api()
  const given = Object.fromEntries(
    Object.entries({ ...request, ...(options.validFor === undefined ? {} : { validFor: options.validFor }) }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  const token = (await api.ask('POST', path, given)).text.trim()
  const file = options.out as string | undefined
  if (file !== undefined) {
    await writeSecret(file, `${token}\n`)
    io.err(`written to ${file}\n`)
  } else if (format === 'table' || format === 'wide' || format === 'name') io.out(`${token}\n`)
  else await printAnswer({ body: { token }, names: [], table: () => ({ columns: [], rows: [] }) }, invocation)
  return exitCodes.ok
}

/** Nobody else may read it, also when a file of that name was there before. */
async function writeSecret(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'w', 0o600)
    await file.chmod(0o600)
    await file.writeFile(text)
  } catch (error) {
    throw new CliError(`--out: ${path}: ${(error as Error).message}`, {
      code: 'SKERRY_FILE_UNWRITABLE',
      exitCode: exitCodes.badInput,
      fix: 'name a file in a directory that you may write to',
    })
  }
}
