import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { type GlobalConfig, startGlobal } from '../../src/global-cp/global-cp.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { options as zoneOptions } from '../../src/zone-cp/config.ts'
import { startZone, type ZoneConfig } from '../../src/zone-cp/zone-cp.ts'
import type { Environment } from '../../terraform/provider/settings.ts'

export type Ask = (
  path: string,
  init?: { readonly method?: string; readonly body?: unknown },
) => Promise<{ readonly status: number; readonly body: unknown }>

/** A global control plane and the zones that joined it, in this process. */
export interface MeshOfZones extends AsyncDisposable {
  readonly environment: Environment & { readonly SKERRY_ENDPOINT: string; readonly SKERRY_TOKEN: string }
  /** Where zones connect, https://HOST:PORT. */
  readonly syncAddress: string
  /** For a zone's own control plane. */
  environmentOf(zone: string): Environment
  readonly ask: Ask
  /** As when what they run in is destroyed. */
  stopZones(): Promise<void>
  askZone(zone: string, ...question: Parameters<Ask>): ReturnType<Ask>
}

// Sources that a configuration makes are asked by these zones, with whatever this machine has: no cloud shall hear of a test.
Object.assign(process.env, {
  ...{
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
  },
  ...{ METADATA_SERVER_DETECTION: 'none', AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' },
})

const loopback = '127.0.0.1:0'
const deps = { clock: systemClock, log: silentLog }

export async function startMeshOfZones(zones: readonly string[]): Promise<MeshOfZones> {
  await using opening = new AsyncDisposableStack()
  const data = await mkdtemp(join(tmpdir(), 'skerry-terraform-mesh-'))
  opening.defer(() => rm(data, { recursive: true, force: true }))
  const argv = ['--data', join(data, 'global'), '--store', 'memory', '--api', loopback, '--sync', loopback]
  const global = opening.use(await startGlobal(valuesOf<GlobalConfig>(resolveOptions(globalOptions, { argv, env: {} })), deps))
  const endpoint = `http://${formatAddress(global.ports.api)}`
  const token = (await readFile(global.adminToken.file, 'utf8')).trim()
  const ask = asking({ SKERRY_ENDPOINT: endpoint, SKERRY_TOKEN: token })
  const running = opening.use(new AsyncDisposableStack())
  const ofZones = new Map<string, Environment>()
  for (const zone of zones) {
    const tokenFile = join(data, `${zone}.token`)
    await writeFile(tokenFile, String((await ask('/tokens/zone', { method: 'POST', body: { zone } })).body), { mode: 0o600 })
    const argv = [
      ...['--zone', zone, '--data', join(data, zone), '--store', 'memory', '--api', loopback, '--xds', loopback],
      ...['--global', `https://${formatAddress(global.ports.sync)}`, '--zone-token-file', tokenFile],
    ]
    const started = running.use(await startZone(valuesOf<ZoneConfig>(resolveOptions(zoneOptions, { argv, env: {} })), deps))
    const own = (await readFile(started.adminToken.file, 'utf8')).trim()
    ofZones.set(zone, { SKERRY_ENDPOINT: `http://${formatAddress(started.ports.api)}`, SKERRY_TOKEN: own })
  }
  // A zone makes tokens for its proxies once it has the mesh from global.
  for (const zone of zones)
    await until(async () => (await ask('/tokens/dataplane', { method: 'POST', body: { mesh: 'default', zone } })).status === 200)

  const opened = opening.move()
  return {
    environment: { SKERRY_ENDPOINT: endpoint, SKERRY_TOKEN: token },
    syncAddress: `https://${formatAddress(global.ports.sync)}`,
    environmentOf: zone => ofZones.get(zone)!,
    ask,
    stopZones: () => running.disposeAsync(),
    askZone: (zone, ...question) => asking(ofZones.get(zone)!)(...question),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function asking({ SKERRY_ENDPOINT: endpoint = '', SKERRY_TOKEN: token = '' }: Environment): Ask {
  return async (path, { method = 'GET', body } = {}) => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close', 'content-type': 'application/json' }
    const response = await fetch(endpoint + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    const text = await response.text()
    return { status: response.status, body: /\bjson\b/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text }
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 600) throw new Error('the zones did not join in 60 s')
    await delay(100)
  }
}

function valuesOf<Config>(resolved: { readonly kind: string }): Config {
  if (resolved.kind !== 'ok') throw new Error(JSON.stringify(resolved))
  return (resolved as unknown as { readonly values: Config }).values
}
