import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultMesh } from '../../derive/default-mesh.ts'
import type { DiscoverySource } from '../../model/kinds/discovery-source.ts'
import { MemoryStore } from '../../registry/memory-store.ts'
import { Registry } from '../../registry/registry.ts'
import { systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { formatAddress } from '../../std/option-value.ts'
import { defaultVipCidrs } from '../vips.ts'
import { startZone, type ZoneConfig } from '../zone-cp.ts'
import { applySourcesFile, SourcesFileError } from './sources-file.ts'

async function aDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'skerry-discovery-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function aZone(data: string, discoverySources: string) {
  const anyPort = { host: '127.0.0.1', port: 0 }
  const config = {
    zone: 'east',
    data,
    store: 'memory',
    api: anyPort,
    xds: anyPort,
    defaults: true,
    offlineAfter: 600_000,
    deleteServicesAfter: 3_600_000,
    ...defaultVipCidrs,
    logLevel: 'error',
    discoverySources,
  } as unknown as ZoneConfig
  const zone = await startZone(config, { clock: systemClock, log: silentLog })
  const admin = (await readFile(zone.adminToken.file, 'utf8')).trim()
  return {
    async call(path: string, method = 'GET') {
      const headers = { authorization: `Bearer ${admin}`, connection: 'close' }
      const response = await fetch(`http://${formatAddress(zone.ports.api)}${path}`, { method, headers })
      const body = JSON.parse(await response.text())
      assert.ok(response.ok, JSON.stringify(body))
      return body
    },
    [Symbol.asyncDispose]: () => zone[Symbol.asyncDispose](),
  }
}

async function eventually<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const value = await read()
    if (holds(value)) return value
    if (performance.now() > deadline) assert.fail(`in vain: ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const sourceOf = (path: string) => `
name: vms
spec:
  type: File
  file: { path: ${path} }
  include: [{ names: ['app-*'] }]
`

test('a zone with a source in its settings serves what a file lists, tells of it, and follows the file', async () => {
  await using directory = await aDirectory()
  const endpoints = join(directory.path, 'endpoints.yaml')
  const put = async (...names: string[]) => {
    const entries = names.map((name, index) => ({ name, address: `10.0.0.${index + 1}`, port: 8080, labels: { team: 'pay' } }))
    await writeFile(`${endpoints}.new`, JSON.stringify({ endpoints: entries }))
    await rename(`${endpoints}.new`, endpoints)
  }
  await put('app-web', 'other')
  await writeFile(join(directory.path, 'sources.yaml'), sourceOf(endpoints))
  await using zone = await aZone(directory.path, join(directory.path, 'sources.yaml'))

  const found = await eventually(
    () => zone.call('/meshes/default/dataplanes'),
    ({ items }) => items.length === 1,
  )
  assert.equal(found.items[0].labels['kuma.io/workload'], 'app-web')
  assert.equal(found.items[0].labels['skerry.io/discovery-source'], 'vms')
  await eventually(
    () => zone.call('/meshes/default/meshservices'),
    ({ items }) => items.some(({ name }: { name: string }) => name === 'app-web'),
  )

  await put('app-web', 'other', 'app-api')
  await eventually(
    () => zone.call('/meshes/default/dataplanes'),
    ({ items }) => items.length === 2,
  )

  const listed = await zone.call('/discovery/sources')
  assert.deepEqual(
    listed.items.map(({ name, zone, scopes }: { name: string; zone: string; scopes: { state: string; leftOut: number }[] }) => [
      name,
      zone,
      scopes[0]?.state,
      scopes[0]?.leftOut,
    ]),
    [['vms', 'east', 'Synced', 1]],
  )
  const explained = await zone.call('/discovery/sources/default/vms/explain?id=other')
  assert.match(explained.items[0].reason, /its name other fits none of app-\*/)
  const tested = await zone.call('/discovery/sources/default/vms/test', 'POST')
  assert.equal(tested.items[0].scopes[0].things.length, 3)

  await rm(endpoints)
  await eventually(
    () => zone.call('/dashboard/v1/problems'),
    ({ items }) =>
      items.some(({ code, cause }: { code: string; cause: string }) => code === 'SKERRY_DISCOVERY_FAILING' && cause.includes('vms')),
  )
  assert.equal((await zone.call('/meshes/default/dataplanes')).items.length, 2)
})

test('sources of the settings come and go with the file, and what is wrong in it is told', async () => {
  await using directory = await aDirectory()
  const file = join(directory.path, 'sources.yaml')
  const registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  await registry.commit(defaultMesh({ mode: 'zone', zone: 'east' }).map(draft => ({ kind: 'put', draft })))
  const names = () => registry.list<DiscoverySource>('DiscoverySource').map(({ name }) => name)
  const apply = async (text: string) => {
    await writeFile(file, text)
    await applySourcesFile(registry, 'east', file)
  }

  await apply(`${sourceOf('/a')}---${sourceOf('/b').replace('vms', 'dbs')}`)
  assert.deepEqual(names(), ['dbs', 'vms'])
  await apply(sourceOf('/a'))
  assert.deepEqual(names(), ['vms'])
  for (const wrong of ['name: x\nspec: { type: File }', 'type: Mesh\nname: x', ': : :', 'name: [', '5'])
    await assert.rejects(apply(wrong), SourcesFileError, wrong)
  await applySourcesFile(registry, 'east', undefined)
  assert.deepEqual(names(), [])
  await registry.close()
})
