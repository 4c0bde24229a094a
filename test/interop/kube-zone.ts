import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { formatAddress } from '../../src/std/option-value.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { options } from '../../src/zone-cp/config.ts'
import { startZone, type ZoneConfig, type ZoneControlPlane } from '../../src/zone-cp/zone-cp.ts'

/** A zone `east` with mesh `default`, in this process, and an administrator at its API. */
export class KubeZone implements AsyncDisposable {
  readonly zone: ZoneControlPlane
  readonly #adminToken: string

  /** @param argv settings beside the usual ones */
  static async start(directory: string, argv: readonly string[]): Promise<KubeZone> {
    const usual = ['--zone', 'east', '--data', join(directory, 'zone'), '--store', 'memory', '--api', '127.0.0.1:0', '--xds', '127.0.0.1:0']
    const resolved = resolveOptions(options, { argv: [...usual, ...argv], env: {} })
    assert.ok(resolved.kind === 'ok', JSON.stringify(resolved))
    const zone = await startZone(resolved.values as unknown as ZoneConfig, { clock: systemClock, log: silentLog })
    return new KubeZone(zone, (await readFile(zone.adminToken.file, 'utf8')).trim())
  }

  private constructor(zone: ZoneControlPlane, adminToken: string) {
    this.zone = zone
    this.#adminToken = adminToken
  }

  // biome-ignore lint/suspicious/noExplicitAny: as the API writes it
  async call(method: string, path: string): Promise<{ readonly status: number; readonly body: any }> {
    const url = `http://${formatAddress(this.zone.ports.api)}${path}`
    const response = await fetch(url, { method, headers: { authorization: `Bearer ${this.#adminToken}` } })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : JSON.parse(text) }
  }

  /** What is there. */
  // biome-ignore lint/suspicious/noExplicitAny: as the API writes it
  async get(path: string): Promise<any> {
    const { status, body } = await this.call('GET', path)
    assert.equal(status, 200, path)
    return body
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.zone[Symbol.asyncDispose]()
  }
}
