import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type InjectablePod, injectionOf, type PatchOperation } from './patch.ts'
import { answerReview } from './review.ts'

const settings = { image: 'skerry:1', cp: 'skerry.mesh-system.svc:5678', caPem: 'PEM\n', mesh: 'default' }

test('a pod gets a proxy with the ports of its containers and who it is, and everything that it had stays', () => {
  const pod = aPod({ spec: { volumes: [{ name: 'config' }] }, metadata: { annotations: { a: 'b' }, labels: { app: 'web' } } })

  const patched = apply(pod, injected(pod))

  assert.deepEqual(
    patched.spec.containers.map((it: { name: string }) => it.name),
    ['app', 'skerry-proxy'],
  )
  assert.deepEqual(
    patched.spec.volumes.map((it: { name: string }) => it.name),
    ['config', 'skerry', 'skerry-data'],
  )
  assert.equal(patched.metadata.annotations.a, 'b')
  assert.equal(patched.metadata.annotations['skerry.io/control-plane-ca'], 'PEM\n')
  const environment = environmentOf(patched)
  assert.equal(environment.SKERRY_PORT, 'http:8080/http,grpc-api:9090/grpc,db:5432/tcp')
  assert.equal(environment.SKERRY_INBOUND_PORT, '16001,16002,16003')
  assert.equal(environment.SKERRY_SERVICE, 'web-shop')
  assert.equal(environment.SKERRY_CP, settings.cp)
})

test('asked once more, of a pod that has a proxy, it adds nothing', () => {
  const pod = aPod({})
  const again = injectionOf(apply(pod, injected(pod)) as InjectablePod, 'shop', settings)

  assert.deepEqual(again, { kind: 'skip', reason: 'it has a proxy', warning: false })
})

test('a pod without labels, annotations and volumes can be patched, too', () => {
  const pod: InjectablePod = { spec: { containers: [{ name: 'app', ports: [{ containerPort: 80 }] }] } }
  const patched = apply(pod, injected(pod))

  assert.equal(patched.metadata.labels['skerry.io/injected'], 'true')
  assert.equal(environmentOf(patched).SKERRY_PORT, '80/http')
})

test('an application goes on for a while after its pod was told to end, unless it says itself what it does then', () => {
  const own = { preStop: { exec: { command: ['stop'] } } }
  const pod: InjectablePod = {
    ...aPod({}),
    spec: { containers: [...aPod({}).spec!.containers!, { name: 'own', lifecycle: own }, { name: 'half', lifecycle: {} }] },
  }

  const [app, second, third] = apply(pod, injected(pod)).spec.containers
  assert.deepEqual(app.lifecycle, { preStop: { sleep: { seconds: 5 } } })
  assert.deepEqual(second.lifecycle, own)
  assert.deepEqual(third.lifecycle, { preStop: { sleep: { seconds: 5 } } })
})

test('what cannot have one is let through with a warning, and what does not want one without', () => {
  const reasonOf = (pod: InjectablePod) => {
    const injection = injectionOf(pod, 'shop', settings)
    return injection.kind === 'skip' ? `${injection.warning ? 'warning' : 'silent'}: ${injection.reason}` : 'injected'
  }
  assert.match(reasonOf({ spec: { containers: [{ name: 'app' }] } }), /^warning: no container names a TCP port/)
  assert.match(reasonOf(aPod({ spec: { hostNetwork: true } })), /^warning: it uses the network of its node/)
  assert.match(reasonOf(aPod({ metadata: { labels: { 'skerry.io/inject': 'disabled' } } })), /^silent: its label/)
  assert.equal(reasonOf({ ...aPod({ metadata: { annotations: { 'skerry.io/ports': 'http:80' } } }) }), 'injected')
})

test('a review is answered under its uid, always allowed, and what is none is not answered', () => {
  const review = (request: object) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: '1', namespace: 'shop', ...request },
  })
  const object = { kind: 'Pod', ...aPod({}) }

  const { response } = answerReview(review({ operation: 'CREATE', object }), settings)!
  assert.deepEqual([response.uid, response.allowed, response.patchType], ['1', true, 'JSONPatch'])
  assert.ok(JSON.parse(Buffer.from(response.patch!, 'base64').toString()).length > 0)
  assert.equal(answerReview(review({ operation: 'DELETE', object: null }), settings)!.response.patch, undefined)
  assert.equal(answerReview(review({ operation: 'CREATE', object: { kind: 'Job' } }), settings)!.response.patch, undefined)
  for (const other of [null, 7, {}, { ...review({}), apiVersion: 'admission.k8s.io/v1beta1' }, { ...review({}), request: {} }])
    assert.equal(answerReview(other, settings), null)
})

function aPod({ metadata = {}, spec = {} }: InjectablePod): InjectablePod {
  const ports = [
    { name: 'http', containerPort: 8080 },
    { name: 'grpc-api', containerPort: 9090 },
    { name: 'db', containerPort: 5432 },
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
  ]
  return { metadata, spec: { containers: [{ name: 'app', ports }], ...spec } }
}

function injected(pod: InjectablePod): readonly PatchOperation[] {
  const injection = injectionOf(pod, 'shop', settings)
  return injection.kind === 'inject' ? injection.patch : assert.fail(injection.reason)
}

// biome-ignore lint/suspicious/noExplicitAny: a pod, as JSON has it
function environmentOf(pod: any): Record<string, string> {
  return Object.fromEntries(pod.spec.containers.at(-1).env.map((it: { name: string; value: string }) => [it.name, it.value]))
}

/** As an API server applies it: what it adds to must be there. */
// biome-ignore lint/suspicious/noExplicitAny: a pod, as JSON has it
function apply(pod: InjectablePod, patch: readonly PatchOperation[]): any {
  const patched = structuredClone({ metadata: {}, ...pod }) as Record<string, unknown>
  for (const { path, value } of patch) {
    const keys = path
      .slice(1)
      .split('/')
      .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop()!
    // biome-ignore lint/suspicious/noExplicitAny: any JSON
    const parent = keys.reduce<any>((at, key) => at[key] ?? assert.fail(`${path}: there is no ${key}`), patched)
    if (last === '-') parent.push(value)
    else parent[last] = value
  }
  return patched
}
