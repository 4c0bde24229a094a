import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const peers = process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')

/** The path of a real Envoy, fetched if need be; null = there is none to be had here. */
export async function envoyBinary(): Promise<string | null> {
  const known = join(cache, 'bin', 'envoy')
  if (existsSync(known)) return known
  const script = join(peers, 'envoy.sh')
  if (!existsSync(script)) return null
  try {
    await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache }, timeout: 120_000 })
  } catch {
    return null
  }
  return existsSync(known) ? known : null
}
