import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const version = 'v3.18.6'

/** The path of a helm: one that is there, else one built from its Go module. A text with a space says why there is none. */
export async function findHelm(): Promise<{ readonly path: string } | string> {
  const root = join(import.meta.dirname, '..', '..')
  const cache = resolve(root, process.env.PEERS_DIR ?? '.peers')
  const path = join(cache, 'bin', 'helm')
  if (existsSync(path)) return { path }
  const library = join(resolve(root, process.env.SKERRY_PEERS ?? '../shared/peers'), 'lib.sh')
  if (!existsSync(library)) return `no helm: there is none in ${path}, and no ${library} to build one with`
  const script = '. "$1" && go_program helm "helm.sh/helm/v3@$2" helm.sh/helm/v3/cmd/helm </dev/null'
  try {
    await run('bash', ['-c', script, 'helm', library, version], { env: { ...process.env, PEERS_DIR: cache }, timeout: 280_000 })
    return { path }
  } catch (error) {
    return `no helm: it could not be built: ${(error as Error).message.slice(0, 300)}`
  }
}
