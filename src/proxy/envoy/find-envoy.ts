import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EXIT_USAGE, ProxyError } from '../proxy-error.ts'

/** The oldest Envoy that was tried and does what it is told. What the oldest ones cannot do they are not asked to (`learnsHosts`). */
export const oldestEnvoy = [1, 36] as const

/** The version (`1.40.0`) of the Envoy at `path`, or by that name in PATH. Rejects with what is wrong with it, before anything is started. */
export async function findEnvoy(path: string): Promise<string> {
  let said: string
  try {
    said = (await promisify(execFile)(path, ['--version'], { timeout: 10_000 })).stdout
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const where = path.includes('/') ? path : `${path} in PATH`
    throw isAbsent
      ? problem('SKERRY_ENVOY_MISSING', `there is no Envoy: no ${where}`, cause)
      : problem('SKERRY_ENVOY_UNUSABLE', `${path} does not run: ${(cause as Error).message.trim()}`, cause)
  }
  const version = envoyVersion(said)
  if (version === null)
    throw problem('SKERRY_ENVOY_UNUSABLE', `${path} is no Envoy: it answers ${JSON.stringify(said.trim().slice(0, 100))} to --version`)
  if (!isSupported(version)) throw problem('SKERRY_ENVOY_VERSION', `${path} is Envoy ${version}, which is too old`)
  return version
}

/** Of `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`; null = it is something else. */
export function envoyVersion(said: string): string | null {
  return /^\S*\s+version: \w+\/(\d+\.\d+\.\d+)[^/]*\//m.exec(said)?.[1] ?? null
}

export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldestEnvoy[0] || (major === oldestEnvoy[0] && minor >= oldestEnvoy[1])
}

function problem(code: string, message: string, cause?: unknown): ProxyError {
  const fix = `install Envoy ${oldestEnvoy.join('.')} or later, and give its place with --envoy-path FILE or SKERRY_ENVOY`
  return new ProxyError(code, message, fix, { cause, exitCode: EXIT_USAGE })
}
