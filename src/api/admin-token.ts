import { timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { issueToken, type TokenKeys } from '../identity/tokens.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'

export interface AdminToken {
  readonly file: string
  readonly token: string
  /** False when it was there already. */
  readonly isNew: boolean
}

export class AdminTokenError extends Error {
  override name = 'AdminTokenError'
  readonly code = 'SKERRY_ADMIN_TOKEN_FILE'
}

/** The JWT in a file we made is good for other replicas for so long; here the file's content counts as long as the file says it. */
const TTL_MS = 30 * 24 * 3_600_000
const FEW_CHARACTERS = 16

/**
 * What the file holds is the admin's token, whatever its form, so that automation can bring its own; where there is no file, one is
 * made that only its owner can read. To withdraw it, delete the file and start again.
 */
export async function loadOrMakeAdminToken(
  file: string,
  keys: TokenKeys,
  options: { clock: Pick<Clock, 'now'>; log: Log },
): Promise<AdminToken> {
  const there = await read(file)
  if (there !== undefined) return { file, token: await checked(file, there, options.log), isNew: false }
  const token = await issueToken(keys, { type: 'user', claims: { name: 'admin', groups: ['admin'] }, ttlMs: TTL_MS }, options.clock)
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeExclusively(file, `${token}\n`)
  } catch (error) {
    // Another replica on the same disk was faster: its token is the token.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return loadOrMakeAdminToken(file, keys, options)
    throw new AdminTokenError(`cannot write the admin token to ${file}: name another place with --admin-token-file`, { cause: error })
  }
  return { file, token, isNew: true }
}

/** Compares tokens with one that is known, without telling by the time it takes how much was right. */
export function tokenMatcher(known: string): (token: string) => boolean {
  const wanted = Buffer.from(known)
  // How long it is may show.
  return token => Buffer.byteLength(token) === wanted.length && timingSafeEqual(Buffer.from(token), wanted)
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AdminTokenError(
      `cannot read the admin token file ${file}: make it readable for this user, or name another with --admin-token-file`,
      { cause: error },
    )
  }
}

async function checked(file: string, content: string, log: Log): Promise<string> {
  const token = content.trim()
  if (token === '') throw new AdminTokenError(`the admin token file ${file} is empty: put a token into it, or delete it to have one made`)
  if (token.length < FEW_CHARACTERS) log.warn('admin token is short enough to guess', { file, characters: token.length })
  const { mode } = await stat(file)
  if ((mode & 0o077) !== 0) log.warn('admin token file can be read by other users', { file, fix: `chmod 600 ${file}` })
  return token
}

async function writeExclusively(file: string, text: string): Promise<void> {
  const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await writeFile(handle, text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
