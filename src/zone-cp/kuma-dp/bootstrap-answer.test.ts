import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aDataplane, aDraft, aZone } from '../testing.ts'
import { answerBootstrap } from './bootstrap-answer.ts'

const reachedBy = { host: 'zone.example', port: 5678 }

async function aZoneFor(isAllowed = true) {
  const zone = await aZone()
  const parts = { registry: zone.registry, tokens: zone.tokens, zone: zone.zone, isAllowed, caPem: 'the CA', serverName: 'skerry-cp' }
  const token = (claims: object = { mesh: 'default', workload: 'web' }) =>
    zone.tokens.issue({ type: 'dataplane', claims: claims as { mesh: string }, ttlMs: 60_000 })
  const ask = async (request: object) => {
    const { status, body } = await answerBootstrap(parts, JSON.stringify(request), reachedBy)
    return { status, body: body as Record<string, string> }
  }
  return { zone, ask, token }
}

/** As kuma-dp writes it, with what nobody else may write. */
function aRequest(dataplaneToken: string, over: object = {}) {
  const resource = {
    ...aDataplane('web-1'),
    creationTime: '0001-01-01T00:00:00Z',
    modificationTime: '0001-01-01T00:00:00Z',
    kri: 'kri_dp_default___web-1_',
  }
  return {
    mesh: 'default',
    name: 'web-1',
    proxyType: 'dataplane',
    dataplaneToken,
    dataplaneResource: JSON.stringify(resource),
    workdir: '/run/kuma',
    version: { kumaDp: { version: '3.0.1' } },
    ...over,
  }
}

test('kuma-dp is told where its zone is, who it is, and what it needs to be believed; nothing is written yet', async () => {
  const { zone, ask, token } = await aZoneFor()
  await using _ = zone

  const { status, body } = await ask(aRequest(await token()))

  assert.equal(status, 200)
  const bootstrap = JSON.parse(Buffer.from(body.bootstrap!, 'base64').toString())
  assert.equal(bootstrap.node.id, 'default.web-1')
  assert.equal(bootstrap.node.cluster, 'web')
  assert.equal(bootstrap.admin.address.pipe.path, '/run/kuma/kuma-envoy-admin.sock')
  const [cluster] = bootstrap.staticResources.clusters
  assert.deepEqual(cluster.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress, {
    address: 'zone.example',
    portValue: 5678,
  })
  assert.equal(cluster.transportSocket.typedConfig.commonTlsContext.validationContext.trustedCa.inlineString, 'the CA')
  assert.deepEqual((body as unknown as { kumaSidecarConfiguration: object }).kumaSidecarConfiguration, {
    networking: { address: '10.0.0.1' },
    metrics: { aggregate: null },
  })
  assert.equal(zone.get('Dataplane', 'web-1'), undefined)
})

test('whoever may not is refused with a code, the reason and what to do', async () => {
  const { zone, ask, token } = await aZoneFor()
  await using _ = zone
  const refusal = async (request: object) => {
    const { status, body } = await ask(request)
    return `${status} ${body.title}`
  }

  assert.equal(await refusal(aRequest('nonsense')), '401 SKERRY_TOKEN_MALFORMED')
  assert.equal(await refusal(aRequest(await token({ mesh: 'default', workload: 'other' }))), '422 SKERRY_TOKEN_OTHER_WORKLOAD')
  assert.equal(await refusal(aRequest(await token(), { name: 'web-2' })), '422 SKERRY_DATAPLANE_INVALID')
  assert.equal(await refusal(aRequest(await token(), { dataplaneResource: '', name: 'web-9' })), '422 SKERRY_DATAPLANE_UNKNOWN')
  assert.equal(await refusal(aRequest(await token(), { dataplaneResource: '{' })), '422 SKERRY_DATAPLANE_INVALID')
  assert.equal(await refusal(aRequest(await token(), { proxyType: 'ingress' })), '422 SKERRY_KUMA_DP_ROLE')
  assert.equal((await ask([])).status, 401)
})

test('a Dataplane that was written through the API needs no other', async () => {
  const { zone, ask, token } = await aZoneFor()
  await using _ = zone
  await zone.put(aDraft('web-1'))

  const { status } = await ask(aRequest(await token(), { dataplaneResource: '' }))

  assert.equal(status, 200)
})

test('a zone that does not make keys says so, whatever it is asked', async () => {
  const { zone, ask, token } = await aZoneFor(false)
  await using _ = zone

  const { status, body } = await ask(aRequest(await token()))

  assert.equal(status, 403)
  assert.equal(body.title, 'SKERRY_KUMA_DP_NOT_ALLOWED')
  assert.match(body.detail!, /--allow-kuma-dp/)
})
