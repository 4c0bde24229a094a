import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import { adapterContract } from '../adapter.contract.ts'
import type { AdapterDeps, Listing, Source } from '../adapter.ts'
import { ScriptedPlatform, type ScriptedRequest, type World } from '../scripted-platform.ts'
import { azureVm } from './list.ts'

const subscription = '00000000-0000-0000-0000-00000000000a'
const group = `/subscriptions/${subscription}/resourceGroups/shop`
const vmId = (name: string) => `${group}/providers/Microsoft.Compute/virtualMachines/${name}`
const nicId = (name: string) => `${group}/providers/Microsoft.Network/networkInterfaces/${name}-nic`
const setId = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/workers`

const sourceAt = (endpoint: string, azure: object = {}): Source => ({
  mesh: 'default',
  name: 'vms',
  spec: {
    type: 'AzureVM',
    azure: { subscriptions: [subscription], endpoint, ...azure },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'TOKEN' } } },
    defaults: { port: 8080, protocol: 'http' },
  },
})

function vm(name: string) {
  const networkProfile = { networkInterfaces: [{ id: nicId(name).toUpperCase(), properties: { primary: true } }] }
  return { id: vmId(name), name, location: 'westeurope', zones: ['2'], properties: { provisioningState: 'Succeeded', networkProfile } }
}

function power(name: string, code = 'PowerState/running') {
  return { id: vmId(name), name, properties: { instanceView: { statuses: [{ code: 'ProvisioningState/succeeded' }, { code }] } } }
}

function nic(name: string, index: number) {
  return { id: nicId(name), properties: { ipConfigurations: [{ properties: { primary: true, privateIPAddress: address(index) } }] } }
}

const address = (index: number) => `10.1.${Math.floor(index / 200)}.${1 + (index % 200)}`
const indexOf = (name: string) => Number(name.slice(-3))

function respond({ path, query, headers }: ScriptedRequest, world: World) {
  if (headers.authorization !== 'Bearer secret') return { status: 401, body: { error: { code: 'InvalidAuthenticationToken' } } }
  const skip = query.get('$skipToken')
  const { names, next } = world.page(skip)
  const page = (value: unknown[]) => {
    // Azure writes the whole address, and writes it as it knows itself.
    const nextLink =
      next && `https://management.azure.com${path}?${new URLSearchParams({ ...Object.fromEntries(query), $skipToken: next })}`
    return { body: { value, ...(nextLink ? { nextLink } : {}) } }
  }
  if (path.endsWith('/virtualMachines')) return page(names.map(name => (query.get('statusOnly') === 'true' ? power(name) : vm(name))))
  if (path.endsWith('/networkInterfaces')) return page(names.map(name => nic(name, indexOf(name))))
  if (path.endsWith('/virtualMachineScaleSets')) return { body: { value: [] } }
  return { status: 404, body: { error: { code: 'ResourceNotFound', message: path } } }
}

adapterContract('AzureVM', { script: { respond }, isPaged: true, open: (baseUrl, deps) => azureVm.open(sourceAt(baseUrl), deps) })

const deps: AdapterDeps = {
  secret: async () => Buffer.from('secret\n'),
  budget: { take: async () => {}, throttled: () => {} },
  clock: systemClock,
  random: seededRandom(1),
  log: silentLog,
}

/** Lists a subscription that answers these lists by the end of their paths. */
async function listOf(lists: Readonly<Record<string, unknown[]>>, azure?: object): Promise<Listing> {
  await using platform = new ScriptedPlatform({
    respond({ path, query }) {
      const key = Object.keys(lists).find(end => `${path}${query.get('statusOnly') === 'true' ? '?statusOnly' : ''}`.endsWith(end))
      return key === undefined ? { status: 404, body: { error: { code: 'ResourceNotFound' } } } : { body: { value: lists[key] } }
    },
  })
  await using adapter = await azureVm.open(sourceAt(await platform.start(), azure), deps)
  const signal = AbortSignal.timeout(30_000)
  const { scopes } = await adapter.scopes(signal)
  return await adapter.list(scopes[0]!, signal)
}

const empty = {
  'Compute/virtualMachines': [],
  'Compute/virtualMachines?statusOnly': [],
  'Network/networkInterfaces': [],
  'Compute/virtualMachineScaleSets': [],
}

test('a machine of which no list tells the state is not told of, and may be there', async () => {
  const listing = await listOf({ ...empty, 'Compute/virtualMachines': [vm('a-001')], 'Network/networkInterfaces': [nic('a-001', 1)] })

  assert.deepEqual(listing.items, [])
  assert.deepEqual(
    { complete: listing.complete, missing: listing.missing },
    { complete: false, missing: ['nothing tells whether a-001 runs'] },
  )
})

test('a machine of which no list tells the address is not told of, and may be there', async () => {
  const listing = await listOf({
    ...empty,
    'Compute/virtualMachines': [vm('a-001')],
    'Compute/virtualMachines?statusOnly': [power('a-001')],
  })

  assert.deepEqual(listing.items, [])
  assert.deepEqual(listing.missing, ['nothing tells the address of a-001'])
})

test('machines of a uniform scale set are found by the set, with its tags and its name as their service', async () => {
  const member = (index: number) => {
    const id = `${setId}/virtualMachines/${index}`
    const nics = [{ id: `${id}/networkInterfaces/n`, properties: { primary: true } }]
    return {
      ...power('x'),
      id,
      name: `workers_${index}`,
      location: 'westeurope',
      properties: { ...power('x').properties, networkProfile: { networkInterfaces: nics } },
    }
  }
  const nicOf = (index: number) => ({ ...nic('x', index), id: `${setId}/virtualMachines/${index}/networkInterfaces/n` })

  const listing = await listOf({
    'workers/virtualMachines': [member(0), member(1)],
    'workers/networkInterfaces': [nicOf(0), nicOf(1)],
    ...empty,
    'Compute/virtualMachineScaleSets': [
      { id: setId, name: 'workers', tags: { tier: 'back' }, properties: { orchestrationMode: 'Uniform' } },
    ],
  })

  assert.deepEqual(listing.missing, [])
  assert.deepEqual(
    listing.items.map(({ outcome }) => outcome.kind === 'workload' && [outcome.workload.workload, outcome.workload.address]),
    [
      ['workers', address(0)],
      ['workers', address(1)],
    ],
  )
})

test('a scale set that does not answer costs its own machines alone, and the listing its completeness', async () => {
  const listing = await listOf({
    ...empty,
    'Compute/virtualMachines': [vm('a-001')],
    'Compute/virtualMachines?statusOnly': [power('a-001')],
    'Network/networkInterfaces': [nic('a-001', 1)],
    'Compute/virtualMachineScaleSets': [{ id: `${setId}-gone`, name: 'gone', properties: { orchestrationMode: 'Uniform' } }],
  })

  assert.deepEqual(
    listing.items.map(item => item.id),
    [vmId('a-001').toLowerCase()],
  )
  assert.match(listing.missing.join(), /^scale set gone: /)
})

test('nodes of clusters are left to the source that looks into clusters', async () => {
  const nodes = { id: setId, name: 'workers', tags: { 'aks-managed-poolName': 'default' }, properties: { orchestrationMode: 'Uniform' } }

  const listing = await listOf({ ...empty, 'Compute/virtualMachineScaleSets': [nodes] })

  assert.equal(listing.complete, true)
  assert.match(JSON.stringify(listing.items[0]?.outcome), /source of type AKS/)
})

test('only the resource groups that are named are looked at, however they are spelled', async () => {
  const lists = {
    ...empty,
    'Compute/virtualMachines': [vm('a-001')],
    'Compute/virtualMachines?statusOnly': [power('a-001')],
    'Network/networkInterfaces': [nic('a-001', 1)],
  }

  assert.equal((await listOf(lists, { resourceGroups: ['SHOP'] })).items.length, 1)
  assert.equal((await listOf(lists, { resourceGroups: ['other'] })).items.length, 0)
})

test('what exists is there, what Azure does not know is gone, and what it will not say is neither', async () => {
  const answers: Readonly<Record<string, number>> = { there: 200, gone: 404, unsaid: 403 }
  await using platform = new ScriptedPlatform({
    respond: ({ path }) => ({ status: answers[path.slice(path.lastIndexOf('/') + 1)] ?? 500, body: {} }),
  })
  await using adapter = await azureVm.open(sourceAt(await platform.start()), deps)
  const signal = AbortSignal.timeout(30_000)
  const { scopes } = await adapter.scopes(signal)

  const confirmed = await adapter.confirm!(scopes[0]!, ['there', 'gone', 'unsaid'].map(vmId), signal)

  assert.equal(confirmed.get(vmId('there')), 'there')
  assert.equal((confirmed.get(vmId('gone')) as { id: string }).id, vmId('gone'))
  assert.equal(confirmed.has(vmId('unsaid')), false)
})
