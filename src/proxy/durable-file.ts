import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'

const format = 1

export type Unsealed =
  | { readonly kind: 'ok'; readonly body: Buffer }
  | { readonly kind: 'absent' }
  /** Written by another proxy, by another version, or broken: `reason` says which. */
  | { readonly kind: 'unusable'; readonly reason: string }

interface Header {
  readonly format: number
  /** Whose it is: what one proxy was told says nothing to another. */
  readonly owner: string
  readonly length: number
  readonly crc32: number
}

/** One line of JSON about the body, then the body. */
export function seal(owner: string, body: Uint8Array): Buffer {
  const header: Header = { format, owner, length: body.length, crc32: crc32(body) }
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body])
}

export function unseal(owner: string, bytes: Buffer): Unsealed {
  const end = bytes.indexOf(0x0a)
  const header = end < 0 ? undefined : parseHeader(bytes.toString('utf8', 0, end))
  if (header === undefined) return unusable('it does not begin with a header')
  if (header.format !== format) return unusable(`it is of format ${header.format}, not ${format}`)
  if (header.owner !== owner) return unusable(`it belongs to ${header.owner}`)
  const body = bytes.subarray(end + 1)
  if (body.length !== header.length || crc32(body) !== header.crc32) return unusable('its content is damaged')
  return { kind: 'ok', body }
}

export async function readSealed(path: string, owner: string): Promise<Unsealed> {
  try {
    return unseal(owner, await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent' }
    return unusable((error as Error).message)
  }
}

/** After it resolves the file is there whole, also after a crash; before, the old one is. Readable by this user only. */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function parseHeader(line: string): Header | undefined {
  try {
    return JSON.parse(line) as Header
  } catch {
    return undefined
  }
}

function unusable(reason: string): Unsealed {
  return { kind: 'unusable', reason }
}
