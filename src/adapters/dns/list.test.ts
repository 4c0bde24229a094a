import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { assertEmptyRemovesNothing, assertNeverBelieved } from '../adapter.contract.ts'
import { SourceCallError } from '../adapter.ts'
import { someDeps } from '../test-support.ts'
import { dns } from './list.ts'

/** `truncated`: half of it, and a hint to ask by TCP, where nobody answers. */
type Lie = 'refused' | 'silent' | 'failed' | 'garbled' | 'cut' | 'truncated'
type Answers = Readonly<Record<string, readonly Buffer[] | Lie>>
const types: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' }

/** A DNS server that answers `A web.test` and the like as it is told. https://www.rfc-editor.org/rfc/rfc1035#section-4.1 */
async function aDnsServer(answers: Answers) {
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    let at = 12
    const labels: string[] = []
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += length + 1
    }
    const end = at + 5
    const said = answers[`${types[query.readUInt16BE(at + 1)]} ${labels.join('.')}`]
    if (said === 'silent') return
    if (said === 'garbled') return void socket.send(Buffer.from('<html>maintenance</html>'), peer.port, peer.address)
    const records = Array.isArray(said) ? said : said === 'cut' || said === 'truncated' ? [a('10.0.0.1')] : []
    const rcode = said === 'refused' ? 5 : said === 'failed' ? 2 : said === undefined ? 3 : 0
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | rcode | (said === 'truncated' ? 0x0200 : 0), 2)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt16BE(0, 8)
    header.writeUInt16BE(0, 10)
    const type = query.subarray(at + 1, at + 3)
    const whole = records.map(data => {
      const rest = Buffer.alloc(8)
      rest.writeUInt16BE(1, 0)
      rest.writeUInt16BE(data.length, 6)
      return Buffer.concat([Buffer.from([0xc0, 12]), type, rest, data])
    })
    const answer = Buffer.concat([header, query.subarray(12, end), ...whole])
    socket.send(said === 'cut' ? answer.subarray(0, -6) : answer, peer.port, peer.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => socket.close(() => resolve())),
  }
}

const a = (address: string) => Buffer.from(address.split('.').map(Number))
function srv(port: number, target: string): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(5, 2)
  head.writeUInt16BE(port, 4)
  return Buffer.concat([
    head,
    ...target.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ])
}

async function list(answers: Answers, name: NonNullable<DiscoverySourceSpec['dns']>['names'][number], patienceMs = 20_000) {
  await using server = await aDnsServer(answers)
  await using adapter = await dns.open(
    { mesh: 'default', name: 'dns', spec: { type: 'DNS', dns: { names: [name], resolvers: [server.address] } } },
    someDeps(),
  )
  const signal = AbortSignal.timeout(patienceMs)
  const { scopes } = await adapter.scopes(signal)
  return await adapter.list(scopes[0]!, signal)
}

test('every address of a name is an instance of it', async () => {
  const listing = await list({ 'A web.test': [a('10.0.0.1'), a('10.0.0.2'), a('10.0.0.1')] }, { name: 'web.test', type: 'A', port: 8080 })

  const found = listing.items.map(({ id, outcome }) => [id, outcome.kind === 'workload' && outcome.workload.workload])
  assert.deepEqual(found, [
    ['10.0.0.1:8080', 'web'],
    ['10.0.0.2:8080', 'web'],
  ])
})

test('SRV says the ports, and its targets the addresses', async () => {
  const answers = {
    'SRV _http._tcp.web.test': [srv(8080, 'one.test'), srv(8081, 'two.test')],
    'A one.test': [a('10.0.0.1')],
    'A two.test': [a('10.0.0.2')],
  }

  const listing = await list(answers, { name: '_http._tcp.web.test', type: 'SRV' })

  assert.deepEqual(
    { complete: listing.complete, ids: listing.items.map(({ id }) => id).sort() },
    { complete: true, ids: ['10.0.0.1:8080', '10.0.0.2:8081'] },
  )
})

test('a target without an address leaves the listing incomplete', async () => {
  const listing = await list(
    { 'SRV web.test': [srv(8080, 'one.test'), srv(8081, 'two.test')], 'A one.test': [a('10.0.0.1')] },
    { name: 'web.test', type: 'SRV' },
  )

  assert.equal(listing.complete, false)
  assert.equal(listing.items.length, 1)
})

test('a name that is not there has no instances; a server that refuses or fails says nothing of it', async () => {
  assert.deepEqual((await list({}, { name: 'web.test', type: 'A', port: 80 })).items, [])
  for (const said of ['refused', 'failed'] as const)
    await assert.rejects(list({ 'A web.test': said }, { name: 'web.test', type: 'A', port: 80 }), SourceCallError, said)
})

const web = { name: 'web.test', type: 'A', port: 80 } as const
const many = (count: number) => Array.from({ length: count }, (_, index) => a(`10.0.${index >> 8}.${(index & 255) + 1}`))
const listWeb = (said: Answers[string]) => list({ 'A web.test': said }, web, said === 'silent' ? 500 : undefined)

test('ten times the things are all there, and what is told twice counts once', async () => {
  const twice = many(120)

  assert.equal((await listWeb(many(240))).items.length, 240)
  assert.equal((await listWeb([...twice, ...twice])).items.length, 120)
})

const lies = {
  'is denied (REFUSED)': 'refused',
  'fails (SERVFAIL)': 'failed',
  'never comes': 'silent',
  'breaks off': 'cut',
  'is half of what it should be': 'truncated',
  'is no answer at all': 'garbled',
} as const
for (const [how, lie] of Object.entries(lies))
  test(`a listing that ${how} is never complete, and removes nothing`, { timeout: 120_000 }, async () => {
    await assertNeverBelieved(await listWeb(many(25)), () => listWeb(lie))
  })

test('who is denied is told so', async () => {
  await assert.rejects(listWeb('refused'), { name: 'SourceCallError', what: 'denied' })
})

test('a complete listing without anything in it removes nothing that was there before', async () => {
  assertEmptyRemovesNothing(await listWeb(many(25)), await listWeb([]))
})
