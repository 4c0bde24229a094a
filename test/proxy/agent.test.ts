import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { readCsr } from '../../src/identity/csr.ts'
import { issueSvid } from '../../src/identity/issue.ts'
import { aRoot } from '../../src/identity/test-support.ts'
import { Agent, type AgentOptions } from '../../src/proxy/agent.ts'
import type { HeldIdentity } from '../../src/proxy/certificates.ts'
import type { ProxyError } from '../../src/proxy/proxy-error.ts'
import { Backoff } from '../../src/std/backoff.ts'
import { ManualClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { FakeZone, settle, until } from './support.ts'

const spiffeId = 'spiffe://default.aws-1.mesh.local/workload/web'
const root = await aRoot()

function anAgent(context: TestContext, options: Partial<AgentOptions> = {}) {
  const zone = new FakeZone()
  const clock = new ManualClock(Date.now())
  const identities: HeldIdentity[] = []
  const refusals: ProxyError[] = []
  const agent = new Agent({
    connect: () => zone.connect(),
    dataplane: '{"type":"Dataplane"}',
    instanceId: 'i-1',
    version: '1.0.0',
    engine: 'skerry',
    clock,
    backoff: new Backoff({ baseMs: 0, maxMs: 0 }),
    log: silentLog,
    onIdentity: identity => identities.push(identity),
    counters: () => new Map([['requests_total{class="2xx"}', 7]]),
    onRefused: error => refusals.push(error),
    ...options,
  })
  context.after(() => agent.close())
  return { zone, clock, agent, identities, refusals }
}

/** Registers, and signs what is asked for. */
function aWillingZone(zone: FakeZone, clock: ManualClock, lifeMs = 3_600_000): void {
  zone.onMessage = async message => {
    if (message.case === 'hello') zone.register(spiffeId)
    if (message.case !== 'certificateRequest') return
    const csr = readCsr(message.value.csr)
    assert(csr.kind === 'ok')
    const issued = await issueSvid(root, { spiffeId, publicKey: csr.publicKey, ttlMs: lifeMs }, { clock })
    zone.send({
      case: 'certificate',
      value: { chainPem: issued.chainPem, notAfterMs: BigInt(issued.notAfterMs), renewAtMs: BigInt(issued.renewAtMs) },
    })
  }
}

test('the first things said are who I am, the request for a certificate, and what is known so far', async context => {
  const { zone, agent } = anAgent(context)
  agent.reportHealth([{ name: 'main', ready: true, reason: '' }])
  agent.reportBound({ listeners: ['self_inbound_dp_main'], failures: [{ listener: 'x', reason: 'address in use' }] })

  agent.start()
  await until('all is said', () => zone.received.length === 4)

  assert.deepEqual(zone.kinds, ['hello', 'certificateRequest', 'health', 'bound'])
  const hello = zone.last('hello')!
  assert.deepEqual([hello.dataplane, hello.instanceId, hello.version, hello.engine], ['{"type":"Dataplane"}', 'i-1', '1.0.0', 'skerry'])
  assert.equal(zone.last('health')?.inbounds[0]?.ready, true)
  assert.deepEqual(zone.last('bound')?.listeners, ['self_inbound_dp_main'])
  assert.equal(zone.last('bound')?.failures[0]?.reason, 'address in use')
})

test('the certificate is for a key that never left, and names the SPIFFE ID', async context => {
  const { zone, clock, agent, identities } = anAgent(context)
  aWillingZone(zone, clock)

  agent.start()
  await until('the certificate came', () => identities.length === 1)

  const [identity] = identities
  assert.equal(identity?.spiffeId, spiffeId)
  assert.match(identity?.keyPem ?? '', /PRIVATE KEY/)
  assert(new X509Certificate(identity!.chainPem).verify(root.certificate.publicKey))
})

test('a certificate is renewed at its time, with a new key, and when the zone asks', async context => {
  const { zone, clock, agent, identities } = anAgent(context)
  aWillingZone(zone, clock)
  agent.start()
  await until('the certificate came', () => identities.length === 1)

  clock.advance(identities[0]!.renewAtMs - clock.now())
  await until('it is renewed', () => identities.length === 2)
  zone.send({ case: 'renew', value: {} })
  await until('it is renewed again', () => identities.length === 3)

  assert.equal(new Set(identities.map(identity => identity.keyPem)).size, 3)
})

test('a certificate for another key is not taken', async context => {
  const { zone, agent, identities } = anAgent(context)
  const { publicKey } = (await import('../../src/identity/keys.ts')).makeKeyPair()
  const issued = await issueSvid(root, { spiffeId, publicKey }, { clock: { now: Date.now } })
  zone.onMessage = message => {
    if (message.case === 'certificateRequest')
      zone.send({ case: 'certificate', value: { chainPem: issued.chainPem, notAfterMs: 1n, renewAtMs: 1n } })
  }

  agent.start()
  await until('the certificate was sent', () => zone.kinds.includes('certificateRequest'))
  await settle()

  assert.deepEqual(identities, [])
})

test('a valid certificate from an earlier life is used, and only another name makes a new one', async context => {
  const first = anAgent(context)
  aWillingZone(first.zone, first.clock)
  first.agent.start()
  await until('the certificate came', () => first.identities.length === 1)

  const second = anAgent(context)
  second.agent.restore(first.identities[0]!)
  assert.equal(second.identities.length, 1)
  second.agent.start()
  await until('it said hello', () => second.zone.kinds.includes('hello'))
  second.zone.register(spiffeId)
  await settle()
  assert.deepEqual(second.zone.kinds, ['hello'])

  second.zone.register('spiffe://default.aws-1.mesh.local/workload/other')
  await until('a new one is asked for', () => second.zone.kinds.includes('certificateRequest'))
})

test('after a cut everything is told again, as the same process', async context => {
  const { zone, clock, agent } = anAgent(context)
  agent.reportHealth([{ name: 'main', ready: true, reason: '' }])
  agent.start()
  await until('it said hello', () => zone.kinds.includes('health'))
  zone.register()
  await until('it is registered', () => agent.isRegistered)
  zone.received.length = 0

  zone.cut()
  await until('it has noticed', () => !agent.isRegistered)
  clock.advance(1)
  await until('it is back', () => zone.kinds.includes('health'))

  assert.deepEqual(zone.kinds, ['hello', 'certificateRequest', 'health'])
  assert.equal(zone.last('hello')?.instanceId, 'i-1')
})

test('draining waits for the zone’s word, for no longer than it may, and not at all without a zone', async context => {
  const { zone, clock, agent } = anAgent(context)
  await agent.drain(2000)
  agent.start()
  await until('it said hello', () => zone.kinds.includes('hello'))
  zone.register()
  await until('it is registered', () => agent.isRegistered)

  let drained = 0
  void agent.drain(2000).then(() => drained++)
  await until('it said so', () => zone.kinds.includes('draining'))
  await settle()
  assert.equal(drained, 0)
  zone.send({ case: 'drained', value: {} })
  await until('it may stop', () => drained === 1)

  void agent.drain(2000).then(() => drained++)
  await settle()
  clock.advance(2000)
  await until('it waited long enough', () => drained === 2)
})

test('a refusal ends a proxy that never served, with the fix', async context => {
  const { zone, agent, refusals } = anAgent(context)
  zone.onMessage = () => {
    zone.send({ case: 'refused', value: { code: 'SKERRY_TOKEN_EXPIRED', message: 'the token has ended', fix: 'make another' } })
    zone.streams.at(-1)!.end({ code: 'PERMISSION_DENIED', message: '' })
  }

  agent.start()
  await until('it is refused', () => refusals.length === 1)

  assert.equal(refusals[0]?.code, 'SKERRY_TOKEN_EXPIRED')
  assert.equal(refusals[0]?.exitCode, 77)
  assert.match(refusals[0]?.message ?? '', /the token has ended: make another$/)
  await settle()
  assert.equal(zone.streams.length, 1)
})

test('a refusal that passes, and one of a proxy that has served, is tried again', async context => {
  const { zone, clock, agent, refusals } = anAgent(context)
  const refuse = (code: string) => {
    zone.send({ case: 'refused', value: { code, message: 'no', fix: '' } })
    zone.streams.at(-1)!.end({ code: 'PERMISSION_DENIED', message: '' })
  }
  agent.start()
  await until('it said hello', () => zone.received.length > 0)
  refuse('SKERRY_MESH_UNKNOWN')
  await settle()
  clock.advance(1)
  await until('it tried again', () => zone.streams.length === 2)
  zone.register()
  await until('it is registered', () => agent.isRegistered)

  refuse('SKERRY_TOKEN_EXPIRED')
  await settle()
  clock.advance(1)
  await until('it tried again', () => zone.streams.length === 3)
  assert.deepEqual(refusals, [])

  refuse('SKERRY_REPLACED')
  await until('another process has its name', () => refusals.length === 1)
})

test('when another process takes the name over, this one ends, and does not take it back', async context => {
  const { zone, agent, refusals } = anAgent(context)
  agent.start()
  await until('it said hello', () => zone.received.length > 0)
  zone.register()

  zone.streams[0]!.end({ code: 'ABORTED', message: 'another process has taken this Dataplane over' })
  await until('it has ended', () => refusals.length === 1)
  await settle()

  assert.equal(refusals[0]?.code, 'SKERRY_REPLACED')
  assert.equal(zone.streams.length, 1)
})

test('counters go up every ten seconds', async context => {
  const { zone, clock, agent } = anAgent(context)
  agent.start()
  await until('it said hello', () => zone.received.length === 2)

  clock.advance(10_000)
  await until('they came', () => zone.kinds.includes('counters'))

  assert.deepEqual(zone.last('counters')?.values, { 'requests_total{class="2xx"}': 7 })
})
