import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from './eventually.ts'
import { Kube } from './kube.ts'
import { KubeZone } from './kube-zone.ts'

let kube: Kube | string
let zone: KubeZone
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-kubernetes-zone-'))
  kube = await Kube.start()
  if (typeof kube === 'string') return
  const sources = join(directory, 'sources.yaml')
  const reference = { type: 'File', file: { path: kube.kubeconfig } }
  const spec = {
    type: 'Kubernetes',
    credentials: { type: 'Reference', reference },
    include: [{ namespaces: ['shop'] }],
    mapping: { copyLabels: ['tier'] },
  }
  await writeFile(sources, JSON.stringify({ type: 'DiscoverySource', mesh: 'default', name: 'cluster', spec }))
  zone = await KubeZone.start(directory, ['--discovery-sources', sources])
})
after(async () => {
  if (typeof kube !== 'string') {
    await zone[Symbol.asyncDispose]()
    await kube.stop()
  }
  await rm(directory, { recursive: true, force: true })
})

describe('a zone with a Kubernetes cluster as its source', { timeout: 240_000 }, () => {
  test('pods become Dataplanes and a service, follow their Deployment, and stay while the cluster cannot be asked', async t => {
    if (typeof kube === 'string') return t.skip(kube)
    await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, deployment(3), service())

    await eventually(async () => assert.equal((await ready()).length, 3))
    const [dataplane] = await ready()
    assert.equal(dataplane.labels['kuma.io/workload'], 'web-shop')
    assert.equal(dataplane.labels['skerry.io/availability-zone'], 'eu-central-1a')
    assert.equal(dataplane.labels['skerry.io/proxy'], 'none')
    assert.equal(dataplane.labels.tier, 'front')
    const found = await eventually(() => zone.get('/meshes/default/meshservices/web-shop'))
    assert.deepEqual(
      found.spec.ports.map((it: { name: string }) => it.name),
      ['http'],
    )

    await kube.ctl(['-n', 'shop', 'scale', 'deployment/web', '--replicas=2'])
    await eventually(async () => assert.equal((await dataplanes()).length, 2))

    await kube.killApiServer()
    await delay(3000)
    assert.equal((await ready()).length, 2)
    await kube.restartApiServer()
    await kube.ctl(['-n', 'shop', 'scale', 'deployment/web', '--replicas=4'])
    await eventually(async () => assert.equal((await ready()).length, 4))
  })
})

// biome-ignore lint/suspicious/noExplicitAny: as the API writes them
async function dataplanes(): Promise<any[]> {
  return (await zone.get('/meshes/default/dataplanes')).items
}

// biome-ignore lint/suspicious/noExplicitAny: as the API writes them
async function ready(): Promise<any[]> {
  return (await dataplanes()).filter(it => it.networking.inbound.every((inbound: { state?: string }) => inbound.state === 'Ready'))
}

function deployment(replicas: number): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web', tier: 'front' } },
        spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] },
      },
    },
  }
}

function service(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }
}
