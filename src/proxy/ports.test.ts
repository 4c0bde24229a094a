import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { choosePorts, readPorts } from './ports.ts'

const host = '127.0.0.1'

async function taken(context: { after(fn: () => void): void }): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  context.after(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('a free port is kept over restarts, and given up when another has it', async context => {
  const wish = { key: 'inbound.main', flag: '--inbound-port', host, port: 0 }
  const first = (await choosePorts([wish], {})).get('inbound.main')!.port

  const again = (await choosePorts([wish], { 'inbound.main': first })).get('inbound.main')!.port
  const foreign = await taken(context)
  const moved = (await choosePorts([wish], { 'inbound.main': foreign })).get('inbound.main')!.port

  assert.equal(again, first)
  assert.notEqual(moved, foreign)
})

test('a port that the user named and that is taken is an error with the flag and the fix', async context => {
  const port = await taken(context)

  await assert.rejects(choosePorts([{ key: 'outbound.payments', flag: '--outbound', host, port }], {}), {
    code: 'SKERRY_PORT_TAKEN',
    message: new RegExp(`^${host}:${port} is taken by another process: stop it, or choose another port with --outbound`),
  })
})

test('no port is given twice', async () => {
  const wishes = Array.from({ length: 10 }, (_, i) => ({ key: `inbound.${i}`, flag: '--inbound-port', host, port: 0 }))

  const ports = [...(await choosePorts(wishes, {})).values()].map(address => address.port)

  assert.equal(new Set(ports).size, 10)
})

test('ports.json of the last run is read, a damaged one is as none', async context => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-ports-'))
  context.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'ports.json')
  assert.deepEqual(await readPorts(file), {})

  await writeFile(file, '{"admin": "127.0.0.1:4711", "inbound.main": "[::1]:4712"}')
  assert.deepEqual(await readPorts(file), { admin: 4711, 'inbound.main': 4712 })
  await writeFile(file, '{"admin')
  assert.deepEqual(await readPorts(file), {})
})
