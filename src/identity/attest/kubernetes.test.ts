import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attestedPod, claimsOf, type TokenReviewStatus, workloadOfPod } from './kubernetes.ts'

const good: TokenReviewStatus = {
  authenticated: true,
  audiences: ['skerry'],
  user: {
    username: 'system:serviceaccount:shop:web',
    extra: { 'authentication.kubernetes.io/pod-name': ['web-1'], 'authentication.kubernetes.io/pod-uid': ['u1'] },
  },
}

test('a token that the cluster knows, made for us and for a pod, is that pod', () => {
  assert.deepEqual(attestedPod(good, 'skerry'), { kind: 'ok', pod: { namespace: 'shop', serviceAccount: 'web', name: 'web-1', uid: 'u1' } })
})

test('any other token is refused, with what is wrong with it', () => {
  const reasonOf = (status: TokenReviewStatus) => {
    const attested = attestedPod(status, 'skerry')
    return attested.kind === 'refused' ? attested.reason : assert.fail('it was taken')
  }
  assert.match(reasonOf({ ...good, authenticated: false, error: 'token expired' }), /token expired/)
  assert.match(reasonOf({}), /does not know/)
  // An API server that does not know about audiences leaves them out: then nothing says that the token was made for us.
  assert.match(reasonOf({ ...good, audiences: ['https://kubernetes.default.svc'] }), /not for skerry/)
  assert.match(reasonOf({ authenticated: true, user: good.user! }), /not for skerry/)
  assert.match(reasonOf({ ...good, user: { username: 'admin' } }), /no service account/)
  assert.match(reasonOf({ ...good, user: { username: 'system:serviceaccount:shop:web' } }), /bound to no pod/)
})

test('a pod may register as one Dataplane, of its workload, in its namespace', () => {
  const pod = { namespace: 'shop', serviceAccount: 'web', name: 'web-1', uid: 'u1' }

  assert.deepEqual(claimsOf(pod, { app: 'front' }, { mesh: 'default', gateway: 'shop/other' }), {
    mesh: 'default',
    workload: 'front-shop',
    name: 'web-1.shop',
    tags: { 'k8s.kuma.io/namespace': ['shop'], 'k8s.kuma.io/service-account': ['web'] },
  })
  assert.equal(claimsOf(pod, {}, { mesh: 'default', gateway: 'shop/web' }).type, 'ingress')
})

test('a workload has the namespace in its name, also where its own name would fill all of it', () => {
  const name = (namespace: string, labels: Record<string, string>) => workloadOfPod({ namespace, serviceAccount: 'sa', labels })
  assert.equal(name('default', { app: 'Web_1' }), 'web-1')
  assert.equal(name('shop', {}), 'sa-shop')
  assert.equal(name('shop', { app: '1st' }), 'w-1st-shop')
  const long = 'x'.repeat(63)
  assert.notEqual(name('shop', { app: long }), name('other', { app: long }))
  assert.ok(name('shop', { app: long }).length <= 63)
})
