import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noRevocations } from '../identity/revocation-list.ts'
import { peekToken } from '../identity/token-claims.ts'
import { ManualClock } from '../std/clock.ts'
import { aDataplane, aZone, turns, until } from './testing.ts'

const hour = 3_600_000

/** A proxy with both of its streams, on one token. */
async function aProxy(zone: Awaited<ReturnType<typeof aZone>>, name: string) {
  const token = await zone.tokens.issue({ type: 'dataplane', claims: { mesh: 'default' }, ttlMs: hour })
  const agent = await zone.agent({ token, dataplane: aDataplane(name) })
  await agent.next('registered')
  const proxy = await zone.proxy({ token, name })
  await until(() => proxy.updates.length > 0)
  return { id: peekToken(token)!.claims.jti as string, token, agent, proxy }
}

test('a revoked token ends both streams of its proxy, and no other’s; the proxy does not come back with it', async () => {
  await using zone = await aZone()
  const [leaked, other] = [await aProxy(zone, 'web-1'), await aProxy(zone, 'web-2')]

  zone.tokens.update({ revocations: () => ({ ids: new Set([leaked.id]), issuedBefore: 0 }) })
  await until(() => leaked.agent.status !== null && leaked.proxy.status !== null)

  for (const { status } of [leaked.agent, leaked.proxy]) {
    assert.equal(status?.code, 'UNAUTHENTICATED')
    assert.match(status?.message ?? '', /^SKERRY_TOKEN_REVOKED: the token .* was revoked/)
  }
  assert.deepEqual([other.agent.status, other.proxy.status], [null, null])
  const again = await zone.agent({ token: leaked.token, dataplane: aDataplane('web-1') })
  assert.equal((await again.next('refused')).code, 'SKERRY_TOKEN_REVOKED')
  const stream = await zone.proxy({ token: leaked.token, name: 'web-1' })
  await until(() => stream.status !== null)
  assert.equal(stream.status?.code, 'UNAUTHENTICATED')
  zone.tokens.update({ revocations: () => noRevocations })
})

test('streams outlive the time of the token that opened them, but get no other with it; nothing waits for what has ended by itself', async () => {
  const clock = new ManualClock()
  await using zone = await aZone({ clock })
  const [one, two] = [await aProxy(zone, 'web-1'), await aProxy(zone, 'web-2')]
  two.proxy.stream.end()
  await two.agent.breakOff()
  await until(() => two.proxy.status !== null)
  assert.equal(zone.tokens.inUse().length, 1)

  clock.advance(hour + 1000)
  await turns()

  assert.deepEqual([one.agent.status, one.proxy.status], [null, null])
  const insight = zone.insights.render(zone.get('Dataplane', 'web-1') as never)?.spec as { metadata: Record<string, unknown> }
  assert.equal(Date.parse(String(insight.metadata.tokenExpirationTime)) < clock.now(), true)
  assert.deepEqual(
    zone.tokens.inUse().map(({ state }) => state),
    ['expired'],
  )
  const again = await zone.agent({ token: one.token, dataplane: aDataplane('web-1') })
  assert.equal((await again.next('refused')).code, 'SKERRY_TOKEN_EXPIRED')
  await one.agent.breakOff()
  one.proxy.stream.end()
  await until(() => zone.tokens.inUse().length === 0)
})
