import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Adapter, AdapterDeps, Change, Item, OpenAdapter, Scope, Source } from '../../src/adapters/adapter.ts'
import { aks } from '../../src/adapters/aks/list.ts'
import { azureVm } from '../../src/adapters/azure-vm/list.ts'
import { Budgets } from '../../src/adapters/budget.ts'
import { eks } from '../../src/adapters/eks/list.ts'
import { gce } from '../../src/adapters/gce/list.ts'
import { gke } from '../../src/adapters/gke/list.ts'
import type { DiscoverySourceSpec } from '../../src/model/kinds/discovery-source.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { seededRandom } from '../../src/std/random.ts'
import { Cloudemu } from './cloudemu.ts'

const subscription = '00000000-0000-0000-0000-000000000000'
const project = 'cloudemu-local'
const group = `/subscriptions/${subscription}/resourceGroups/shop`
const aksPath = `${group}/providers/Microsoft.ContainerService/managedClusters`
const keys = JSON.stringify({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })
const awsHeaders = {
  authorization: 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/eks/aws4_request, SignedHeaders=host, Signature=x',
}

/** A cloud that runs clusters: how one is made and unmade there, and what discovery is told of it. */
interface Cloud {
  readonly adapter: Adapter
  readonly secrets: (cloud: Cloudemu) => Promise<Readonly<Record<string, string>>>
  readonly spec: (cloud: Cloudemu) => Pick<DiscoverySourceSpec, 'aws' | 'azure' | 'gcp'>
  readonly create: (cloud: Cloudemu, name: string) => Promise<unknown>
  readonly remove: (cloud: Cloudemu, name: string) => Promise<unknown>
  readonly scope: string
  readonly cloud: string
}

const clouds: Readonly<Record<string, Cloud>> = {
  EKS: {
    adapter: eks,
    secrets: async () => ({ CREDENTIALS: keys }),
    spec: ({ aws }) => ({ aws: { regions: ['us-east-1'], endpoint: aws } }),
    create: (cloud, name) =>
      cloud.call(
        'POST',
        `${cloud.aws}/clusters`,
        { name, roleArn: 'arn:aws:iam::000000000000:role/eks', resourcesVpcConfig: { subnetIds: ['subnet-1'] } },
        awsHeaders,
      ),
    remove: (cloud, name) => cloud.call('DELETE', `${cloud.aws}/clusters/${name}`, undefined, awsHeaders),
    scope: 'aws/000000000000/us-east-1/eks/',
    cloud: 'aws',
  },
  AKS: {
    adapter: aks,
    secrets: async cloud => ({ CREDENTIALS: 'a-token-of-entra', CA: await cloud.azureCa() }),
    spec: ({ azure }) => ({
      azure: { subscriptions: [subscription], endpoint: azure, caCert: { type: 'EnvVar', envVar: { name: 'CA' } } },
    }),
    create: async (cloud, name) => {
      await cloud.call('PUT', `${cloud.azure}${group.toLowerCase().replace('/shop', '')}/shop?api-version=2021-04-01`, {
        location: 'westeurope',
      })
      const agentPoolProfiles = [{ name: 'default', count: 1, vmSize: 'Standard_B2s', mode: 'System' }]
      const properties = { dnsPrefix: name, agentPoolProfiles }
      await cloud.call('PUT', `${cloud.azure}${aksPath}/${name}?api-version=2024-09-01`, {
        location: 'westeurope',
        identity: { type: 'SystemAssigned' },
        properties,
      })
    },
    remove: (cloud, name) => cloud.call('DELETE', `${cloud.azure}${aksPath}/${name}?api-version=2024-09-01`),
    scope: `azure/${subscription}/shop/aks/`,
    cloud: 'azure',
  },
  GKE: {
    adapter: gke,
    secrets: async () => ({ CREDENTIALS: 'a-token-of-google' }),
    spec: ({ gcp }) => ({ gcp: { projects: [project], endpoint: gcp } }),
    create: (cloud, name) =>
      cloud.call('POST', `${cloud.gcp}/v1/projects/${project}/locations/europe-west3/clusters`, { cluster: { name, initialNodeCount: 1 } }),
    remove: (cloud, name) => cloud.call('DELETE', `${cloud.gcp}/v1/projects/${project}/locations/europe-west3/clusters/${name}`),
    scope: `gcp/${project}/europe-west3/gke/`,
    cloud: 'gcp',
  },
}

let peer: Cloudemu | string = 'not started'
before(async () => {
  peer = await Cloudemu.start()
})
after(async () => {
  if (typeof peer !== 'string') await peer[Symbol.asyncDispose]()
})

for (const [type, cloud] of Object.entries(clouds)) {
  describe(`clusters of ${type}`, () => {
    test('what the cloud lists is entered, and what runs there is found and followed', async t => {
      if (typeof peer === 'string') return t.skip(peer)
      const name = `${type.toLowerCase()}-blue`
      await cloud.create(peer, name)
      await using adapter = await openOn(peer, cloud)
      const scope = await scopeOf(adapter, `${cloud.scope}${name}`)
      const server = await serverOf(peer, cloud, name)
      await putService(peer, server, 'hello', 1, await putPod(peer, server, 'hello', 1))

      const listing = await adapter.list(scope, soon())

      assert.deepEqual(listing.missing, [])
      const [item] = listing.items.filter(isWorkload)
      assert.deepEqual(item?.outcome.workload.workload, 'hello')
      assert.equal(item?.outcome.workload.address, '10.9.0.1')
      assert.deepEqual(item?.outcome.workload.ports, [{ name: 'http', port: 8080, protocol: 'http' }])
      assert.deepEqual(item?.outcome.workload.locality.cloud, cloud.cloud)
      assert.equal(item?.outcome.workload.locality.cluster, name)

      const seen = Promise.withResolvers<Change>()
      const stop = new AbortController()
      const until = AbortSignal.any([stop.signal, soon()])
      const following = adapter.follow!(
        scope,
        listing.cursor,
        changes => {
          for (const change of changes) if (change.kind === 'seen' && change.item.facts.name === 'second-1') seen.resolve(change)
        },
        until,
      )
      // Of slices cloudemu's watch tells in a shape of its own: pods are what it can be followed by.
      const pod = await putPod(peer, server, 'second', 2)
      const change = await Promise.race([seen.promise, following.then(() => assert.fail('it was followed no longer'))])
      stop.abort()
      await following.catch(() => {})
      await putService(peer, server, 'second', 2, pod)
      const again = await adapter.list(scope, soon())

      assert.deepEqual(change.kind === 'seen' && change.item.outcome, { kind: 'left-out', reason: 'no Service selects it' })
      assert.deepEqual(
        again.items.filter(isWorkload).map(({ outcome }) => outcome.workload.workload),
        ['hello', 'second'],
      )
    })

    test('a cluster that is no more is no longer a scope', async t => {
      if (typeof peer === 'string') return t.skip(peer)
      const name = `${type.toLowerCase()}-green`
      await cloud.create(peer, name)
      await using adapter = await openOn(peer, cloud)
      await scopeOf(adapter, `${cloud.scope}${name}`)

      await cloud.remove(peer, name)

      const { complete, scopes } = await adapter.scopes(soon())
      assert.equal(complete, true)
      assert.deepEqual(
        scopes.filter(({ id }) => id.endsWith(name)),
        [],
      )
    })
  })
}

test('machines of Compute Engine are found in the zones that are named', async t => {
  if (typeof peer === 'string') return t.skip(peer)
  const zone = 'europe-west3-a'
  const instances = `${peer.gcp}/compute/v1/projects/${project}/zones/${zone}/instances`
  await peer.call('POST', instances, {
    name: 'web-1',
    machineType: `zones/${zone}/machineTypes/e2-small`,
    labels: { 'skerry-service': 'web' },
    disks: [{ boot: true, initializeParams: { sourceImage: 'projects/debian-cloud/global/images/family/debian-12' } }],
    networkInterfaces: [{ network: 'global/networks/default' }],
  })
  const spec: DiscoverySourceSpec = {
    type: 'GCE',
    gcp: { projects: [project], endpoint: peer.gcp, locations: [zone] },
    credentials,
    defaults: { port: 80 },
  }
  await using adapter = await gce.open(sourceOf(spec), depsOf({ CREDENTIALS: 'a-token-of-google' }))
  const scope = await scopeOf(adapter, `gcp/${project}/gce`)

  const listing = await adapter.list(scope, soon())

  assert.equal(listing.complete, true)
  const found = listing.items.filter(isWorkload)
  assert.deepEqual(
    found.map(({ outcome: { workload } }) => [workload.workload, workload.state, workload.locality.zone]),
    [['web', 'ready', zone]],
  )
  const confirmed = await adapter.confirm!(scope, [found[0]!.id.replace(/\d+$/, 'nobody')], soon())
  assert.equal(typeof confirmed.get(`${zone}/nobody`), 'object')
})

test('a subscription whose network interfaces cannot be listed has no machines without an address, and is not complete', async t => {
  if (typeof peer === 'string') return t.skip(peer)
  await clouds.AKS!.create(peer, 'aks-group')
  const vm = `${peer.azure}${group}/providers/Microsoft.Compute/virtualMachines/web-1?api-version=2024-07-01`
  await peer.call('PUT', vm, {
    location: 'westeurope',
    properties: {
      hardwareProfile: { vmSize: 'Standard_B1s' },
      storageProfile: { imageReference: { publisher: 'Canonical', offer: 'ubuntu', sku: '24', version: 'latest' } },
      osProfile: { computerName: 'web-1', adminUsername: 'someone' },
      networkProfile: { networkInterfaces: [{ id: `${group}/providers/Microsoft.Network/networkInterfaces/nic-1` }] },
    },
  })
  const spec: DiscoverySourceSpec = {
    type: 'AzureVM',
    azure: { subscriptions: [subscription], endpoint: peer.azure, caCert: { type: 'EnvVar', envVar: { name: 'CA' } } },
    credentials,
  }
  await using adapter = await azureVm.open(sourceOf(spec), depsOf({ CREDENTIALS: 'a-token-of-entra', CA: await peer.azureCa() }))

  const scope = await scopeOf(adapter, `azure/${subscription}/vm`)

  // cloudemu has machines and no list of network interfaces.
  await assert.rejects(adapter.list(scope, soon()), { code: 'SKERRY_SOURCE_CALL', what: 'unreachable' })
})

const credentials = { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'CREDENTIALS' } } } as const

function soon(): AbortSignal {
  return AbortSignal.timeout(60_000)
}

function sourceOf(spec: DiscoverySourceSpec): Source {
  return { mesh: 'default', name: 'found', spec }
}

function depsOf(secrets: Readonly<Record<string, string>>): AdapterDeps {
  return {
    secret: async reference => Buffer.from(secrets[reference.type === 'EnvVar' ? reference.envVar.name : ''] ?? ''),
    budget: new Budgets(systemClock).of('found'),
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  }
}

async function openOn(peer: Cloudemu, { adapter, spec, secrets }: Cloud): Promise<OpenAdapter> {
  return adapter.open(sourceOf({ type: adapter.type, ...spec(peer), credentials }), depsOf(await secrets(peer)))
}

async function scopeOf(adapter: OpenAdapter, id: string): Promise<Scope> {
  const { complete, missing, scopes } = await adapter.scopes(soon())
  assert.deepEqual({ complete, missing }, { complete: true, missing: [] })
  return scopes.find(scope => scope.id === id) ?? assert.fail(`no scope ${id} in ${scopes.map(scope => scope.id).join()}`)
}

type WorkloadItem = Item & { readonly outcome: { readonly kind: 'workload' } }

function isWorkload(item: Item): item is WorkloadItem {
  return item.outcome.kind === 'workload'
}

/** Where the cluster's API server is, by the cloud's word and not by that of the adapter under test. */
async function serverOf(peer: Cloudemu, { cloud }: Cloud, name: string): Promise<string> {
  if (cloud === 'aws') {
    const answer = (await peer.call('GET', `${peer.aws}/clusters/${name}`, undefined, awsHeaders)) as { cluster: { endpoint: string } }
    return answer.cluster.endpoint
  }
  if (cloud === 'gcp') {
    const path = `/v1/projects/${project}/locations/europe-west3/clusters/${name}`
    return ((await peer.call('GET', `${peer.gcp}${path}`)) as { endpoint: string }).endpoint
  }
  const path = `${aksPath}/${name}/listClusterUserCredential?api-version=2024-09-01`
  const { kubeconfigs } = (await peer.call('POST', `${peer.azure}${path}`)) as { kubeconfigs: { value: string }[] }
  return /server: (\S+)/.exec(Buffer.from(kubeconfigs[0]!.value, 'base64').toString())![1]!
}

/** @returns its uid */
async function putPod(peer: Cloudemu, server: string, service: string, index: number): Promise<string> {
  const podIP = `10.9.0.${index}`
  const pod = (await peer.call('POST', `${server}/api/v1/namespaces/default/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${service}-1`, namespace: 'default', labels: { app: service } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
    status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] },
  })) as { metadata: { uid: string } }
  return pod.metadata.uid
}

async function putService(peer: Cloudemu, server: string, service: string, index: number, uid: string): Promise<void> {
  const metadata = { name: `${service}-1`, namespace: 'default' }
  await peer.call('POST', `${server}/api/v1/namespaces/default/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, name: service },
    spec: { selector: { app: service }, ports: [{ name: 'http', port: 80, targetPort: 8080, appProtocol: 'http' }] },
  })
  await peer.call('POST', `${server}/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [`10.9.0.${index}`],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { kind: 'Pod', namespace: 'default', name: metadata.name, uid },
      },
    ],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP', appProtocol: 'http' }],
  })
}
