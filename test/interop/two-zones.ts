import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { type GlobalConfig, startGlobal } from '../../src/global-cp/global-cp.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { type OptionSpec, resolveOptions } from '../../src/std/options.ts'
import { EnvoyMesh, until } from './envoy-mesh.ts'

/** A global control plane with two zones, all in this process. Disposing stops them. */
export interface TwoZones {
  readonly east: EnvoyMesh
  readonly west: EnvoyMesh
  /** A request to global's API, as its administrator; resolves to the body. */
  readonly global: (path: string, body: unknown, method?: string) => Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startTwoZones(): Promise<TwoZones> {
  await using opening = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'skerry-global-'))
  opening.defer(() => rm(directory, { recursive: true, force: true }))
  const argv = ['--data', directory, '--api', '127.0.0.1:0', '--sync', '127.0.0.1:0']
  const resolved = resolveOptions(globalOptions as readonly OptionSpec[], { argv, env: {} })
  assert(resolved.kind === 'ok', JSON.stringify(resolved))
  const running = opening.use(await startGlobal(resolved.values as unknown as GlobalConfig, { clock: systemClock, log: silentLog }))
  const admin = (await readFile(running.adminToken.file, 'utf8')).trim()
  const global: TwoZones['global'] = async (path, body, method = 'POST') => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json', connection: 'close' }
    const response = await fetch(`http://${formatAddress(running.ports.api)}${path}`, { method, headers, body: JSON.stringify(body) })
    const text = await response.text()
    assert(response.ok, `${path}: ${text}`)
    return text
  }
  const zone = async (name: string) => {
    const file = join(directory, `${name}.token`)
    await writeFile(file, await global('/tokens/zone', { zone: name }))
    const mesh = await EnvoyMesh.start(name, ['--global', `https://${formatAddress(running.ports.sync)}`, '--zone-token-file', file])
    opening.defer(() => mesh.stop())
    await until(`${name} has the mesh`, async () => ((await mesh.api('/meshes')) as { total: number }).total > 0)
    return mesh
  }
  const east = await zone('east')
  const west = await zone('west')
  const closing = opening.move()
  return { east, west, global, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}
