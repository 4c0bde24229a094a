import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import type { Source } from '../adapter.ts'
import type { Authorization, ClusterConnection } from './connection.ts'
import { connectionOf } from './kube-config.ts'

const ca = Buffer.from('PEM of a CA').toString('base64')

test('a kubeconfig says where its current context leads, and another one on demand', async () => {
  const config = aConfig({ user: { token: 'secret' } })

  const current = await connect(config)
  assert.deepEqual([current.server, current.caData, current.serverName], ['https://one.example.com:6443', ca, 'kubernetes'])
  assert.deepEqual(await authorizationOf(current), { header: 'Bearer secret' })
  assert.equal((await connect(config, { context: 'second' })).server, 'https://two.example.com')
  await assert.rejects(connect(config, { context: 'third' }), /kubernetes.context: the kubeconfig has first, second/)
})

test('a plugin is run for a token, and a client certificate is taken from the file', async () => {
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'from-plugin' } }
  const exec = { apiVersion: credential.apiVersion, command: 'echo', args: [JSON.stringify(credential)], interactiveMode: 'Never' }
  assert.deepEqual(await authorizationOf(await connect(aConfig({ user: { exec } }))), { header: 'Bearer from-plugin' })

  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') }
  assert.deepEqual(await authorizationOf(await connect(aConfig({ user }))), { certPem: 'CERT', keyPem: 'KEY' })
})

test('a token alone needs an address, and is read anew for every request', async () => {
  await assert.rejects(connect('token-1'), /kubernetes.server: is needed with a token/)
  let token = 'token-1'
  const connection = await connect(() => token, { server: 'https://10.0.0.1:6443' })
  assert.ok(connection.credentials.kind === 'token')

  token = 'token-2\n'
  assert.equal(await connection.credentials.token(), 'token-2')
})

test('what would weaken the connection, or cannot be done, is said', async () => {
  const insecure = aConfig({ cluster: { 'insecure-skip-tls-verify': true } })
  await assert.rejects(connect(insecure), /insecure-skip-tls-verify is not heeded/)
  await assert.rejects(connect(aConfig({ cluster: { 'proxy-url': 'http://proxy:3128' } })), /proxy-url is not heeded/)
  await assert.rejects(connect('clusters: [:'), /cannot be read/)
})

function connect(secret: string | (() => string), kubernetes: NonNullable<Source['spec']['kubernetes']> = {}): Promise<ClusterConnection> {
  const reference = { type: 'File', file: { path: '/etc/kubeconfig' } } as const
  const source: Source = {
    mesh: 'default',
    name: 'c',
    spec: { type: 'Kubernetes', kubernetes, credentials: { type: 'Reference', reference } },
  }
  return connectionOf(source, {
    secret: async () => Buffer.from(typeof secret === 'string' ? secret : secret()),
    budget: { take: async () => {}, throttled: () => {} },
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  })
}

async function authorizationOf({ credentials }: ClusterConnection): Promise<Authorization> {
  return credentials.kind === 'kubeconfig' ? credentials.authorize() : assert.fail(credentials.kind)
}

function aConfig({ user = {}, cluster = {} }: { user?: object; cluster?: object }): string {
  const one = { server: 'https://one.example.com:6443', 'certificate-authority-data': ca, 'tls-server-name': 'kubernetes', ...cluster }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'one', cluster: one },
      { name: 'two', cluster: { server: 'https://two.example.com' } },
    ],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'first', context: { cluster: 'one', user: 'u' } },
      { name: 'second', context: { cluster: 'two', user: 'u' } },
    ],
    'current-context': 'first',
  })
}
