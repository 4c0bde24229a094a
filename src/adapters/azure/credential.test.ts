import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import type { Source } from '../adapter.ts'
import { azureCloud } from './cloud.ts'
import { azureCredential, azureToken } from './credential.ts'

const source: Source = {
  mesh: 'default',
  name: 'aks',
  spec: {
    type: 'AKS',
    azure: { subscriptions: ['s'] },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'CREDENTIAL' } } },
  },
}
const scope = 'https://management.azure.com/.default'
const signal = AbortSignal.timeout(60_000)

test('a token that is kept elsewhere is taken as it is, and the next one when that is replaced', async () => {
  let text = 'first\n'
  const credential = await azureCredential(source, { secret: async () => Buffer.from(text), clock: new ManualClock() }, azureCloud())

  assert.equal(await azureToken(credential, scope, signal), 'first')
  text = 'second'
  assert.equal(await azureToken(credential, scope, signal), 'second')
})

test('what is neither a principal nor a token is told with its field', async () => {
  for (const text of ['', 'two words', '{', '{}', '{"tenantId": "t", "clientId": "c"}']) {
    const opened = azureCredential(source, { secret: async () => Buffer.from(text), clock: new ManualClock() }, azureCloud())
    await assert.rejects(opened, { code: 'SKERRY_SOURCE_CONFIG', field: 'credentials.reference' }, JSON.stringify(text))
  }
})

test('a principal is read as either program prints it', async () => {
  for (const principal of [
    { tenantId: '00000000-0000-0000-0000-000000000001', clientId: 'c', clientSecret: 's' },
    { tenant: '00000000-0000-0000-0000-000000000001', appId: 'c', password: 's' },
  ]) {
    const secret = async () => Buffer.from(JSON.stringify(principal))
    await assert.doesNotReject(azureCredential(source, { secret, clock: new ManualClock() }, azureCloud()))
  }
})

test('an authority that refuses is no authority that cannot be reached', async () => {
  const failing = (properties: object) => ({ getToken: () => Promise.reject(Object.assign(new Error('no\nand more'), properties)) })

  await assert.rejects(azureToken(failing({ statusCode: 401 }), scope, signal), { what: 'denied', message: 'no token for Azure: no' })
  await assert.rejects(azureToken(failing({ name: 'CredentialUnavailableError' }), scope, signal), { what: 'denied' })
  await assert.rejects(azureToken(failing({ code: 'ENOTFOUND' }), scope, signal), { what: 'unreachable' })
  await assert.rejects(azureToken({ getToken: async () => null }, scope, signal), { what: 'denied' })
})

for (const [endpoint, expected] of [
  [undefined, ['https://management.azure.com', scope, 'https://login.microsoftonline.com']],
  [
    'https://management.chinacloudapi.cn/',
    ['https://management.chinacloudapi.cn', 'https://management.chinacloudapi.cn/.default', 'https://login.chinacloudapi.cn'],
  ],
  ['https://arm.private.example', ['https://arm.private.example', scope, 'https://login.microsoftonline.com']],
] as const) {
  test(`tokens for ${endpoint ?? 'the public cloud'} are asked for where its cloud makes them`, () => {
    const cloud = azureCloud(endpoint)

    assert.deepEqual([cloud.endpoint, cloud.scope, cloud.authorityHost], expected)
  })
}
