import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fetchCa } from '../identity/first-contact.ts'
import { peekToken } from '../identity/token-claims.ts'
import { MemoryStore } from '../registry/memory-store.ts'
import { Registry } from '../registry/registry.ts'
import { systemClock } from '../std/clock.ts'
import { connectStream, GrpcChannel } from '../std/grpc-channel.ts'
import { silentLog } from '../std/log.ts'
import { formatAddress } from '../std/option-value.ts'
import { seededRandom } from '../std/random.ts'
import { reverseCallPath } from '../sync/reverse-call.ts'
import { ZoneSide } from '../sync/zone-side.ts'
import { type GlobalConfig, startGlobal } from './global-cp.ts'

/** A global as a program, in a directory of its own. */
async function aGlobal() {
  const opened = new AsyncDisposableStack()
  const data = await mkdtemp(join(tmpdir(), 'skerry-global-cp-'))
  opened.defer(() => rm(data, { recursive: true, force: true }))
  const anyPort = { host: '127.0.0.1', port: 0 }
  const config = { data, store: 'memory', api: anyPort, sync: anyPort, adminTokenFile: undefined, defaults: true, logLevel: 'error' }
  const global = opened.use(await startGlobal(config as GlobalConfig, { clock: systemClock, log: silentLog }))
  const admin = (await readFile(global.adminToken.file, 'utf8')).trim()
  const request = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json', connection: 'close' }
    const response = await fetch(`http://${formatAddress(global.ports.api)}${path}`, { ...init, headers })
    return { status: response.status, text: await response.text() }
  }
  const get = async (path: string) => JSON.parse((await request(path)).text)
  const address = formatAddress(global.ports.sync)
  return {
    request,
    get,
    tokenFor: async (zone: string) => (await request('/tokens/zone', { method: 'POST', body: JSON.stringify({ zone }) })).text,
    channel: async (token: string) => {
      const rootCaPem = await fetchCa(address, peekToken(token)!.ca)
      const channel = new GrpcChannel(address, { tls: { rootCaPem, serverName: 'skerry-cp' } })
      opened.defer(() => channel.close())
      return channel
    },
    /** A zone's end of the sync, of a zone that has nothing of its own. */
    zone: async (name: string, token: string, channel: GrpcChannel) => {
      const registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
      const side = new ZoneSide({
        zone: name,
        registry,
        instance: `${name}-1`,
        version: '1.0.0',
        connect: (path, metadata) => connectStream(channel, path, metadata),
        credentials: () => ({ authorization: `Bearer ${token}` }),
        clock: systemClock,
        random: seededRandom(1),
        log: silentLog,
      })
      opened.defer(() => registry.close())
      opened.defer(() => side.close())
      side.start()
      return { registry, side }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test('a zone that joins gets what global has, and appears in the status; deleted, it is gone with all that is known of it', async () => {
  await using global = await aGlobal()
  const token = await global.tokenFor('east')
  const { registry, side } = await global.zone('east', token, await global.channel(token))

  await until(() => registry.get({ kind: 'Mesh', mesh: '', name: 'default' }) !== undefined, 'the zone has the mesh')
  await until(async () => (await global.get('/dashboard/v1/zones')).items[0]?.state === 'online', 'the zone is online')
  assert.equal((await global.get('/zones/east')).name, 'east')

  await side.close()
  await until(async () => (await global.get('/dashboard/v1/zones')).items[0]?.state === 'silent', 'the zone is offline')
  assert.equal((await global.request('/zones/east', { method: 'DELETE' })).status, 200)
  await until(async () => (await global.request('/zone-insights/east')).status === 404, 'its insight is gone')
  assert.deepEqual((await global.get('/dashboard/v1/zones')).items, [])
})

test('a zone that leaves while it is being deleted does not come back', async () => {
  await using global = await aGlobal()
  const token = await global.tokenFor('east')
  const { side } = await global.zone('east', token, await global.channel(token))
  await until(async () => (await global.get('/dashboard/v1/zones')).items[0]?.state === 'online', 'the zone is online')

  const deleting = global.request('/zones/east', { method: 'DELETE' })
  await Promise.all([side.close(), deleting])
  await until(async () => (await global.request('/zones/east')).status === 404, 'the zone is gone')
  await new Promise(resolve => setTimeout(resolve, 50))

  assert.equal((await global.request('/zones/east')).status, 404)
})

test('who has no zone token may neither join nor be asked', async () => {
  await using global = await aGlobal()
  const token = await global.tokenFor('east')
  const channel = await global.channel(token)

  for (const authorization of ['', 'Bearer nonsense', `Bearer ${token}x`]) {
    const stream = connectStream(channel, reverseCallPath, { authorization })
    assert.equal((await stream.closed).code, 'UNAUTHENTICATED', authorization)
  }
})

test('what only a zone can answer says so when the zone is not there', async () => {
  await using global = await aGlobal()
  await global.request('/zones/east', { method: 'PUT', body: JSON.stringify({ type: 'Zone', name: 'east' }) })
  const body = JSON.stringify({ mesh: 'default', zone: 'east' })

  const { status, text } = await global.request('/tokens/dataplane', { method: 'POST', body })

  assert.equal(status, 503)
  assert.match(text, /SKERRY_ZONE_NOT_CONNECTED/)
})

test('a zone whose token is revoked is cut at once, on every stream, and does not come back with it', async () => {
  await using global = await aGlobal()
  const token = await global.tokenFor('east')
  const channel = await global.channel(token)
  await global.zone('east', token, channel)
  await until(
    async () => (await global.get('/zones/_overview')).items[0]?.zoneInsight?.subscriptions?.at(-1)?.disconnectTime === undefined,
    'online',
  )
  const reverse = connectStream(channel, reverseCallPath, { authorization: `Bearer ${token}` })
  await until(async () => (await global.request('/zones/east')).status === 200, 'the zone has joined')

  const revoked = await global.request('/tokens/revocations', { method: 'POST', body: JSON.stringify({ token }) })

  assert.equal(revoked.status, 200)
  const { code, message } = await reverse.closed
  assert.equal(code, 'UNAUTHENTICATED')
  assert.match(message, /SKERRY_TOKEN_REVOKED/)
  const isGone = async () => {
    const [zone] = (await global.get('/zones/_overview')).items
    return zone?.zoneInsight?.subscriptions?.at(-1)?.disconnectTime !== undefined
  }
  await until(isGone, 'the zone is offline')
  assert.equal((await connectStream(channel, reverseCallPath, { authorization: `Bearer ${token}` }).closed).code, 'UNAUTHENTICATED')
})
