import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import { aSource, identityReply, jsonRefusals, operationOf, withKeys } from '../aws/test-support.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest, type World } from '../scripted-platform.ts'
import { someDeps } from '../test-support.ts'
import { cloudMap } from './list.ts'

/** Services have pages, and each of them one instance. */
function respond(request: ScriptedRequest, world: World): Reply {
  const identity = identityReply(request)
  if (identity !== undefined) return identity
  const asked = JSON.parse(request.body || '{}')
  switch (operationOf(request)) {
    case 'ListNamespaces':
      return { body: { Namespaces: [{ Id: 'ns-1', Name: 'shop' }] } }
    case 'ListServices': {
      const { names, next } = world.page(asked.NextToken)
      return { body: { Services: names.map(name => ({ Id: name, Name: name, Arn: `arn:${name}` })), ...(next ? { NextToken: next } : {}) } }
    }
    case 'DiscoverInstancesRevision':
      return { body: { InstancesRevision: 1 } }
    default:
      return { body: { Instances: [anInstance(asked.ServiceName, 0)], InstancesRevision: 1 } }
  }
}

function anInstance(service: string, index: number) {
  const Attributes = { AWS_INSTANCE_IPV4: '10.0.0.1', AWS_INSTANCE_PORT: '8080', AVAILABILITY_ZONE: 'eu-central-1a' }
  return { InstanceId: `i-${index}`, NamespaceName: 'shop', ServiceName: service, HealthStatus: 'HEALTHY', Attributes }
}

const isListing = (request: ScriptedRequest) => identityReply(request) === undefined

adapterContract('Cloud Map', {
  script: { respond, isListing },
  open: (endpoint, deps) => cloudMap.open(aSource(endpoint, { type: 'CloudMap' }), withKeys(deps)),
  isPaged: true,
  refusals: jsonRefusals,
})

async function listTwice(script: typeof respond) {
  await using platform = new ScriptedPlatform({ respond: script })
  platform.names = ['web']
  await using adapter = await cloudMap.open(aSource(await platform.start(), { type: 'CloudMap' }), withKeys(someDeps()))
  const signal = AbortSignal.timeout(20_000)
  const { scopes } = await adapter.scopes(signal)
  return [await adapter.list(scopes[0]!, signal), await adapter.list(scopes[0]!, signal)] as const
}

test('an answer that is full is not complete: there are no pages to tell of more', async () => {
  const [listing] = await listTwice((request, world) =>
    operationOf(request) === 'DiscoverInstances'
      ? { body: { Instances: Array.from({ length: 1000 }, (_, index) => anInstance('web', index)), InstancesRevision: 1 } }
      : respond(request, world),
  )

  assert.equal(listing.items.length, 1000)
  assert.deepEqual(listing.missing, ['shop/web has more instances than Cloud Map tells of (1000)'])
})

test('instances are asked for again only when their revision is another', async () => {
  let asked = 0
  let revision = 1
  const [first, second] = await listTwice((request, world) => {
    if (operationOf(request) === 'DiscoverInstancesRevision') return { body: { InstancesRevision: revision } }
    if (operationOf(request) === 'DiscoverInstances') asked++
    return respond(request, world)
  })

  assert.equal(asked, 1)
  assert.deepEqual(second.items, first.items)
  revision = 2
})
