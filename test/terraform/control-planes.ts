import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { type GlobalConfig, startGlobal } from '../../src/global-cp/global-cp.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { options as zoneOptions } from '../../src/zone-cp/config.ts'
import { startZone, type ZoneConfig } from '../../src/zone-cp/zone-cp.ts'

/** A control plane in this process, on the loopback interface. */
export interface TestControlPlane {
  readonly endpoint: string
  readonly adminToken: string
  /** SKERRY_ENDPOINT and SKERRY_TOKEN. */
  readonly environment: { readonly SKERRY_ENDPOINT: string; readonly SKERRY_TOKEN: string }
  /** An answer of its API; `body` is parsed where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes.
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: any }>
  [Symbol.asyncDispose](): Promise<void>
}

const loopback = '127.0.0.1:0'

export interface GlobalWishes {
  /** The directory with the provider that it serves. */
  readonly terraformMirror?: string
  /** false: it begins without a mesh. */
  readonly defaults?: boolean
}

export async function aGlobal({ terraformMirror, defaults = true }: GlobalWishes = {}): Promise<TestControlPlane> {
  const data = await mkdtemp(join(tmpdir(), 'skerry-terraform-global-'))
  const argv = [
    defaults ? '--defaults' : '--no-defaults',
    '--data',
    data,
    '--store',
    'memory',
    '--api',
    loopback,
    '--sync',
    loopback,
    '--terraform-mirror',
    terraformMirror ?? join(data, 'mirror'),
  ]
  const config = valuesOf<GlobalConfig>(resolveOptions(globalOptions, { argv, env: {} }))
  return controlPlane(data, await startGlobal(config, { clock: systemClock, log: silentLog }))
}

/** A zone that stands alone. */
export async function aZone(zone = 'aws-1'): Promise<TestControlPlane> {
  const data = await mkdtemp(join(tmpdir(), 'skerry-terraform-zone-'))
  const argv = ['--zone', zone, '--data', data, '--store', 'memory', '--api', loopback, '--xds', loopback]
  const config = valuesOf<ZoneConfig>(resolveOptions(zoneOptions, { argv, env: {} }))
  return controlPlane(data, await startZone(config, { clock: systemClock, log: silentLog }))
}

function valuesOf<Config>(resolved: { readonly kind: string }): Config {
  if (resolved.kind !== 'ok') throw new Error(JSON.stringify(resolved))
  return (resolved as unknown as { readonly values: Config }).values
}

interface Started {
  readonly ports: { readonly api: { readonly host: string; readonly port: number } }
  readonly adminToken: { readonly file: string }
  [Symbol.asyncDispose](): Promise<void>
}

async function controlPlane(data: string, started: Started): Promise<TestControlPlane> {
  const endpoint = `http://${formatAddress(started.ports.api)}`
  const adminToken = (await readFile(started.adminToken.file, 'utf8')).trim()
  return {
    endpoint,
    adminToken,
    environment: { SKERRY_ENDPOINT: endpoint, SKERRY_TOKEN: adminToken },
    async ask(method, path, body) {
      const response = await fetch(endpoint + path, {
        method,
        headers: {
          authorization: `Bearer ${adminToken}`,
          connection: 'close',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text }
    },
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]()
      await rm(data, { recursive: true, force: true })
    },
  }
}
