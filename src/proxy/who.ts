import { randomInt } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ProxyConfig } from './config.ts'
import { writeDurably } from './durable-file.ts'
import { EXIT_USAGE, ProxyError } from './proxy-error.ts'
import { checkToken, readToken } from './zone-line.ts'

/** Who a proxy is: from what the user said, else from the token, else from its last run. */
export interface Who {
  readonly mesh: string
  readonly name: string
  readonly service: string
  /** Absolute; exists. */
  readonly directory: string
}

export async function settleWho(
  config: Pick<ProxyConfig, 'tokenFile' | 'token' | 'caFile' | 'role' | 'service' | 'mesh' | 'name' | 'data'>,
): Promise<Who> {
  const claims = checkToken(await readToken(config), config.caFile)?.claims ?? {}
  const mesh = config.mesh ?? textOf(claims.mesh) ?? 'default'
  const service = config.service ?? textOf(claims.workload) ?? (config.role === 'sidecar' ? config.name : config.role)
  if (service === undefined) {
    throw new ProxyError('SKERRY_SERVICE_NEEDED', 'neither --service nor the token says which workload this is', 'give --service NAME', {
      exitCode: EXIT_USAGE,
    })
  }
  const directory = resolve(config.data ?? `skerry-proxy-${service}`)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new ProxyError(
      'SKERRY_DATA_UNUSABLE',
      `${directory} cannot be made: ${(cause as Error).message}`,
      'give another place with --data DIR',
      { cause },
    )
  }
  const name = config.name ?? textOf(claims.name) ?? (await keptName(join(directory, 'name'), service))
  return { mesh, name, service, directory }
}

/** The same at every start: a new name each time would leave a Dataplane behind after each crash. */
async function keptName(file: string, service: string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim()
  if (kept.startsWith(`${service}-`)) return kept
  const name = `${service}-${randomInt(36 ** 4, 36 ** 5).toString(36)}`
  await writeDurably(file, `${name}\n`)
  return name
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined
}
