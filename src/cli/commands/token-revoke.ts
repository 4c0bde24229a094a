import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CliError, usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

interface Revoked {
  readonly type: string
  readonly mesh?: string
  readonly id?: string
  readonly issuedBefore?: string
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, mesh, zone } = invocation
  const { filename, type, issuedBefore } = options as Readonly<Record<string, string | undefined>>
  const [id] = args
  if ([id, filename, issuedBefore].filter(given => given !== undefined).length !== 1) {
    throw usageError('one token is named: by its id, by its file, or all of a type with --issued-before', 'skerry token list lists ids')
  }
  if (filename === undefined && type === undefined) throw usageError('which type of token is it?', 'skerry token revoke ID --type user')
  const api = await invocation.api()
  const token = filename === undefined ? undefined : await read(filename, invocation)
  const request = { token, id, type, issuedBefore, zone, ...(type === 'dataplane' ? { mesh } : {}) }
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
  const revoked = (await api.ask('POST', '/tokens/revocations', given)).body as Revoked
  const what = revoked.id ?? `all before ${revoked.issuedBefore}`
  const table = () => ({ columns: ['REVOKED', 'TYPE', 'MESH'], rows: [[what, revoked.type, revoked.mesh ?? '-']] })
  await printAnswer({ body: revoked, names: [what], table }, invocation)
  return exitCodes.ok
}

async function read(filename: string, { io }: Invocation): Promise<string> {
  if (filename === '-') return (await io.readStdin()).trim()
  try {
    return (await readFile(resolve(io.cwd, filename), 'utf8')).trim()
  } catch (error) {
    throw new CliError(`--filename: ${filename}: ${(error as Error).message}`, {
      code: 'SKERRY_FILE_UNREADABLE',
      exitCode: exitCodes.badInput,
      fix: 'name the file that holds the token',
    })
  }
}
