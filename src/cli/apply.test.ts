import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cli, fakeApi, filesOf } from './test-support.ts'

interface Sent {
  readonly items: readonly {
    readonly resource?: { readonly mesh: string; readonly name: string }
    readonly delete?: { readonly name: string }
  }[]
}

const permission = `type: MeshTrafficPermission
mesh: default
name: allow-web
spec:
  rules:
    - default:
        allow: [{ spiffeID: { type: Exact, value: spiffe://x/workload/web } }]
`

test('apply says of each object whether it was created, configured or left as it was', async () => {
  await using api = await fakeApi()
  await using files = await filesOf({
    'a.yaml': `${permission}---\n${permission.replace('allow-web', 'allow-orders')}`,
    'ignored.txt': '{',
  })
  const env = { SKERRY_API: api.url }

  const first = await cli(['apply', '-f', files.path, '-o', 'json'], { env })
  const second = await cli(['apply', '-f', '-'], { env, stdin: permission.replace('/web', '/orders') })
  const third = await cli(['apply', '-f', '-', '--no-headers'], { env, stdin: permission.replace('/web', '/orders') })

  assert.deepEqual(
    (JSON.parse(first.out) as { name: string; result: string }[]).map(({ name, result }) => [name, result]),
    [
      ['allow-web', 'created'],
      ['allow-orders', 'created'],
    ],
  )
  assert.match(second.out, /MeshTrafficPermission +default +allow-web +configured\n$/)
  assert.match(third.out, /unchanged\n$/)
  assert.equal((api.requests[0]!.body as Sent).items[0]!.resource!.mesh, 'default')
})

test('what get printed can be applied again', async () => {
  const stored = {
    type: 'MeshTrafficPermission',
    mesh: 'default',
    name: 'allow-web',
    creationTime: '2026-01-01T00:00:00Z',
    kri: 'kri_mtp_default___allow-web_',
    spec: { rules: [] },
  }
  await using api = await fakeApi({ '/meshes/default/meshtrafficpermissions/allow-web': stored })
  const env = { SKERRY_API: api.url }

  const listed = await cli(['get', 'meshtrafficpermissions', '-o', 'json'], { env })
  const applied = await cli(['apply', '-f', '-', '-o', 'json'], { env, stdin: listed.out })

  assert.equal(applied.code, 0, applied.err)
  assert.deepEqual(api.requests.find(({ method }) => method === 'POST')?.body, {
    items: [{ resource: { type: 'MeshTrafficPermission', mesh: 'default', name: 'allow-web', spec: { rules: [] } } }],
  })
})

test('a file that cannot be read is a problem of a line, and nothing is sent', async () => {
  await using api = await fakeApi()
  const env = { SKERRY_API: api.url }
  const check = async (stdin: string, expected: RegExp) => {
    const { code, out, err } = await cli(['apply', '-f', '-'], { env, stdin })
    assert.deepEqual({ code, out }, { code: 65, out: '' }, err)
    assert.match(err, expected)
  }

  await check(`${permission}---\nname: [x\n`, /stdin:10:1: /)
  await check('type: Mesh\nname: a\ntype: Mesh\n', /stdin:3:1: .*unique/i)
  await check(
    'type: MeshTrafficPermision\nname: x\n',
    /stdin:1:1 \/type: there is no kind "MeshTrafficPermision" \(did you mean "MeshTrafficPermission"\?\)/,
  )
  await check('type: DataplaneInsight\nname: x\n', /\/type: DataplaneInsight is made by the control plane/)
  await check('type: Zone\nmesh: default\nname: x\n', /stdin:2:1 \/mesh: a Zone belongs to no mesh/)
  await check('apiVersion: kuma.io/v1alpha1\nkind: Mesh\n', /Kubernetes form/)
  await check('{"items": [{"type": "Mesh"}]}', /stdin:1:12 \/items\/0: name: is missing/)
  await check('- a\n', /an object is wanted here/)
  await check('\n', /no objects in there/)
  assert.equal((await cli(['apply', '-f', '/nowhere.yaml'], { env })).code, 65)
  assert.equal((await cli(['apply'], { env })).code, 64)
  assert.deepEqual(api.requests, [])
})

test('a refused object is shown at its line, and none is applied', async () => {
  const problem = {
    type: '/std-errors',
    status: 400,
    title: 'Could not process a resource',
    detail: 'Resource is not valid',
    code: 'SKERRY_RESOURCE_INVALID',
    invalid_parameters: [{ field: 'items[0].resource.spec.rules[0].default.allow[0].spiffeID.value', reason: 'must be a SPIFFE ID' }],
  }
  await using api = await fakeApi({}, { 'POST /bulk': { status: 400, body: problem } })
  const env = { SKERRY_API: api.url }

  const alone = await cli(['apply', '-f', '-', '-o', 'json'], { env, stdin: permission })
  const both = await cli(['apply', '-f', '-'], { env, stdin: `${permission}---\n${permission.replace('allow-web', 'other')}` })

  assert.equal(alone.code, 65)
  const printed = JSON.parse(alone.err) as { code: string; invalid_parameters: { field: string }[] }
  assert.equal(printed.code, 'SKERRY_RESOURCE_INVALID')
  assert.equal(printed.invalid_parameters[0]?.field, 'stdin:7:44 spec.rules[0].default.allow[0].spiffeID.value')
  assert.equal(both.code, 65)
  assert.match(both.out, /allow-web +rejected\n.*other +not applied\n/)
})

test('a dry run is asked of the control plane, and said', async () => {
  await using api = await fakeApi()
  const env = { SKERRY_API: api.url }

  const { code, out } = await cli(['apply', '-f', '-', '--dry-run'], { env, stdin: permission })

  assert.deepEqual([code, api.requests.map(({ method, path }) => `${method} ${path}`)], [0, ['POST /bulk?dryRun=true']])
  assert.match(out, /allow-web +created \(dry run\)\n/)
})

test('what a control plane does not take at once is sent in halves', async () => {
  const tooLarge = { type: '/std-errors', status: 413, title: 'Payload Too Large', detail: 'too large', code: 'SKERRY_COMMIT_TOO_LARGE' }
  const refused = (sent: unknown) => ((sent as Sent).items.length > 2 ? { status: 413, body: tooLarge } : undefined)
  await using api = await fakeApi({}, {}, { 'POST /bulk': refused })
  const stdin = ['a', 'b', 'c', 'd', 'e'].map(name => permission.replace('allow-web', name)).join('---\n')

  const { code, out, err } = await cli(['apply', '-f', '-', '-o', 'name'], { env: { SKERRY_API: api.url }, stdin })

  assert.deepEqual([code, out.trim().split('\n').length], [0, 5], err)
  assert.deepEqual(
    api.requests.map(({ body }) => (body as Sent).items.length),
    [5, 3, 2, 1, 2],
  )
})

test('--prune deletes, in the same transaction, what has the label and is not in the files', async () => {
  const labels = { team: 'pay' }
  const policy = (name: string, over: object = {}) => ({ type: 'MeshTrafficPermission', mesh: 'default', name, labels, spec: {}, ...over })
  const path = '/meshes/default/meshtrafficpermissions'
  await using api = await fakeApi({
    '/': { mode: 'zone', zone: 'aws-1' },
    [`${path}/kept`]: policy('kept'),
    [`${path}/old`]: policy('old'),
    [`${path}/of-global`]: policy('of-global', { labels: { ...labels, 'kuma.io/origin': 'global' } }),
    [`${path}/of-others`]: policy('of-others', { labels: { team: 'web' } }),
  })
  const env = { SKERRY_API: api.url }
  const file = (name: string) => JSON.stringify(policy(name))

  const { code, out, err } = await cli(['apply', '-f', '-', '--prune', '-l', 'team=pay'], { env, stdin: file('kept') })

  assert.equal(code, 0, err)
  assert.deepEqual(
    (api.requests.find(({ method }) => method === 'POST')!.body as Sent).items.map(item => item.delete?.name ?? item.resource?.name),
    ['kept', 'old'],
  )
  assert.match(out, /kept +unchanged\n.*old +pruned\n/)
  const usage = async (...args: string[]) => (await cli(['apply', '-f', '-', ...args], { env, stdin: file('kept') })).code
  assert.deepEqual([await usage('--prune'), await usage('-l', 'a=b'), await usage('--prune', '-l', 'team=web')], [64, 64, 64])
})

test('delete takes a name or a file, and says 4 when there was nothing', async () => {
  await using api = await fakeApi({
    '/meshes/default/meshtrafficpermissions/allow-web': { type: 'MeshTrafficPermission', mesh: 'default', name: 'allow-web', spec: {} },
  })
  const env = { SKERRY_API: api.url }

  assert.match((await cli(['delete', 'mtp', 'allow-web'], { env })).out, /allow-web +deleted\n/)
  assert.equal((await cli(['delete', 'mtp', 'allow-web'], { env })).code, 4)
  assert.equal((await cli(['delete', 'mtp', 'allow-web', '--ignore-not-found'], { env })).code, 0)
  const file = await cli(['delete', '-f', '-'], { env, stdin: permission })
  assert.deepEqual([file.code, /allow-web +not found/.test(file.out)], [4, true])
  assert.equal((await cli(['delete'], { env })).code, 64)
})
