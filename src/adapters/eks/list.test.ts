import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import type { ScopeListing, Source } from '../adapter.ts'
import { isForApiServer, respondAsApiServer, testDeps } from '../managed-cluster/testing.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest, type World } from '../scripted-platform.ts'
import { eks } from './list.ts'

const account = '123456789012'
const keys = JSON.stringify({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' })

const sourceAt = (endpoint: string, aws: object = {}): Source => ({
  mesh: 'default',
  name: 'clusters',
  spec: {
    type: 'EKS',
    aws: { regions: ['eu-central-1'], endpoint, ...aws },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'KEYS' } } },
  },
})

const callerIdentity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
  <Arn>arn:aws:iam::${account}:user/skerry</Arn><UserId>AIDA</UserId><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

/** EKS and STS at one address, as a private endpoint may have them. */
function respondAsAws(request: ScriptedRequest, clusters: Readonly<Record<string, object>>): Reply {
  const { path, query } = request
  if (path === '/') return { headers: { 'content-type': 'text/xml' }, body: callerIdentity }
  const names = Object.keys(clusters)
  if (path === '/clusters') {
    const at = Number(query.get('nextToken') ?? 0)
    return { body: { clusters: names.slice(at, at + 1), nextToken: at + 1 < names.length ? String(at + 1) : null } }
  }
  const cluster = clusters[decodeURIComponent(path.slice('/clusters/'.length))]
  return cluster ? { body: { cluster } } : { status: 404, body: { __type: 'ResourceNotFoundException', message: 'No cluster found' } }
}

function aCluster(name: string, extra: object = {}): object {
  const arn = `arn:aws:eks:eu-central-1:${account}:cluster/${name}`
  return {
    name,
    arn,
    createdAt: 1_760_000_000,
    status: 'ACTIVE',
    endpoint: 'https://cluster',
    certificateAuthority: { data: 'Q0E=' },
    ...extra,
  }
}

const tokens: string[] = []
adapterContract('EKS', {
  isPaged: true,
  script: {
    isListing: isForApiServer,
    respond(request: ScriptedRequest, world: World) {
      if (!isForApiServer(request))
        return respondAsAws(request, { prod: aCluster('prod', { endpoint: `http://${request.headers.host}`, certificateAuthority: {} }) })
      tokens.push(request.headers.authorization ?? '')
      return respondAsApiServer(request, world)
    },
  },
  open: (baseUrl, deps) => eks.open(sourceAt(baseUrl), { ...deps, secret: async () => Buffer.from(keys) }),
})

test('the API server is called with a token that is made for its cluster', () => {
  assert.ok(tokens.length > 0)
  assert.ok(tokens.every(token => token.startsWith('Bearer k8s-aws-v1.')))
})

async function scopesOf(respond: (request: ScriptedRequest) => Reply, aws?: object): Promise<ScopeListing> {
  await using platform = new ScriptedPlatform({ respond })
  await using adapter = await eks.open(sourceAt(await platform.start(), aws), testDeps({ KEYS: keys }))
  return await adapter.scopes(AbortSignal.timeout(60_000))
}

test('every page of clusters is read; those that do not serve yet are suspended', async () => {
  const clusters = {
    blue: aCluster('blue'),
    green: aCluster('green', { status: 'CREATING', endpoint: undefined }),
    red: aCluster('red', { status: 'UPDATING' }),
  }

  const { complete, scopes } = await scopesOf(request => respondAsAws(request, clusters))

  assert.equal(complete, true)
  assert.deepEqual(
    scopes.map(({ id, suspended }) => [id, suspended]),
    [
      [`aws/${account}/eu-central-1/eks/blue`, undefined],
      [`aws/${account}/eu-central-1/eks/green`, 'the cluster is CREATING'],
      [`aws/${account}/eu-central-1/eks/red`, undefined],
    ],
  )
})

test('a cluster that was made again under its name is another one', async () => {
  const before = await scopesOf(request => respondAsAws(request, { blue: aCluster('blue') }))
  const after = await scopesOf(request => respondAsAws(request, { blue: aCluster('blue', { createdAt: 1_760_000_999 }) }))

  assert.notEqual(before.scopes[0]?.identity, after.scopes[0]?.identity)
})

test('a cluster that cannot be described makes the listing incomplete, and the others are in it', async () => {
  const clusters = { blue: aCluster('blue'), green: aCluster('green') }
  const listing = await scopesOf(request =>
    request.path === '/clusters/blue'
      ? { status: 403, body: { __type: 'AccessDeniedException', message: 'no' } }
      : respondAsAws(request, clusters),
  )

  assert.equal(listing.complete, false)
  assert.match(listing.missing.join(), /^cluster blue: /)
  assert.deepEqual(
    listing.scopes.map(({ locality }) => locality.cluster),
    ['green'],
  )
})

test('only clusters that are named are looked into', async () => {
  const clusters = { blue: aCluster('blue'), green: aCluster('green') }

  const { scopes } = await scopesOf(request => respondAsAws(request, clusters), { clusters: ['green'] })

  assert.deepEqual(
    scopes.map(({ locality }) => locality.cluster),
    ['green'],
  )
})
