import assert from 'node:assert/strict'
import { test } from 'node:test'
import { showBuiltInRoles } from './show-built-in-roles.ts'
import { aDataplane, aMesh, anApi, aService, standaloneZone, type TestApi } from './test-support.ts'

const aBinding = (name: string, over: object = {}) => ({
  type: 'AccessRoleBinding',
  name,
  subjects: [{ type: 'Group', name: 'shop-team' }],
  roles: ['mesh-admin'],
  mesh: 'shop',
  ...over,
})
const bind = async (api: TestApi, name: string, over: object = {}) => {
  const { status, text } = await api.put(`/access-role-bindings/${name}`, aBinding(name, over))
  assert.ok(status < 300, text)
}
const names = (body: { items: { name: string; mesh?: string }[] }) => body.items.map(({ mesh, name }) => (mesh ? `${mesh}/${name}` : name))

/** Meshes shop and blog with a proxy and a service each, and somebody who is mesh-admin of shop. */
async function twoMeshes(api: TestApi) {
  for (const mesh of ['shop', 'blog']) {
    await aMesh(api, mesh)
    await api.put(`/meshes/${mesh}/dataplanes/web-1`, aDataplane({ mesh }))
    await api.put(`/meshes/${mesh}/meshservices/backend`, aService('backend', mesh))
    await api.put(`/meshes/${mesh}/secrets/key`, { type: 'Secret', mesh, name: 'key', data: 'c2VjcmV0' })
  }
  await bind(api, 'shop-team')
  return { token: await api.userToken(['shop-team'], 'bob') }
}

test('lists show what the caller may read and nothing else, with totals and pages of that', async () => {
  await using api = await anApi()
  const bob = await twoMeshes(api)

  assert.deepEqual(names((await api.get('/meshes', bob)).body), ['shop'])
  const services = await api.get('/meshservices?size=1', bob)
  assert.deepEqual([services.body.total, names(services.body), services.body.next], [1, ['shop/backend'], null])
  assert.deepEqual(names((await api.get('/dataplanes/_overview', bob)).body), ['shop/web-1'])
  assert.deepEqual((await api.get('/meshes/blog/meshservices', bob)).status, 403)
  assert.deepEqual((await api.get('/meshes/shop/meshservices/backend', bob)).status, 200)
  assert.deepEqual((await api.get('/meshes/blog/meshservices/backend', bob)).status, 403)
  assert.equal((await api.get('/zones', bob)).status, 403)
  assert.equal((await api.get('/status', bob)).status, 403)
  assert.equal((await api.get('/_resources', bob)).status, 200)
  assert.equal((await api.get('/meshservices')).body.total, 2)
})

test('a mesh admin writes in his mesh, and not beside it', async () => {
  await using api = await anApi()
  const bob = await twoMeshes(api)
  const web2 = (mesh: string) => aDataplane({ mesh, name: 'web-2' })

  assert.equal((await api.put('/meshes/shop/dataplanes/web-2', web2('shop'), bob)).status, 201)
  assert.equal((await api.delete('/meshes/shop/dataplanes/web-2', bob)).status, 200)
  const beside = await api.put('/meshes/blog/dataplanes/web-2', web2('blog'), bob)
  assert.deepEqual([beside.status, beside.body.code], [403, 'SKERRY_FORBIDDEN'])
  assert.match(beside.body.detail, /that needs CREATE on Dataplane in mesh blog/)
  assert.equal((await api.delete('/meshes/shop', bob)).status, 403)
  assert.equal((await api.put('/meshes/news', { type: 'Mesh', name: 'news' }, bob)).status, 403)

  const bulk = { items: [{ resource: web2('shop') }, { resource: web2('blog') }] }
  const refused = await api.send('POST', '/bulk', bulk, bob)
  assert.equal(refused.status, 403)
  assert.match(JSON.stringify(refused.body.invalid_parameters), /items\[1\].*blog/)
  assert.equal((await api.get('/meshes/shop/dataplanes/web-2')).status, 404)
  assert.equal((await api.send('POST', '/bulk', { items: bulk.items.slice(0, 1) }, bob)).status, 200)
})

test('a binding counts from the next request on, and so does its end', async () => {
  await using api = await anApi()
  await aMesh(api, 'shop')
  const bob = { token: await api.userToken([], 'bob') }
  const read = async () => (await api.get('/meshes/shop/dataplanes', bob)).status

  const before = await read()
  await bind(api, 'bob', { subjects: [{ type: 'User', name: 'bob' }] })
  const during = await read()
  await api.delete('/access-role-bindings/bob')
  const after = await read()
  await bind(api, 'all', { subjects: [{ type: 'Group', name: 'mesh-system:authenticated' }], roles: ['mesh-viewer'] })
  const asAnybody = await read()

  assert.deepEqual([before, during, after, asAnybody], [403, 200, 403, 200])
})

test('nobody gives what he does not hold: not by a role, not by a binding, not by a token', async () => {
  await using api = await anApi()
  await aMesh(api, 'shop')
  const rules = [
    { access: ['READ', 'CREATE', 'UPDATE', 'DELETE'], types: ['AccessRole', 'AccessRoleBinding', 'MeshService'] },
    { access: ['GENERATE_USER_TOKEN'] },
  ]
  assert.equal((await api.put('/access-roles/team-lead', { type: 'AccessRole', name: 'team-lead', rules })).status, 201)
  await bind(api, 'lead', { subjects: [{ type: 'User', name: 'eve' }], roles: ['team-lead'], mesh: undefined })
  await bind(api, 'zed', { subjects: [{ type: 'User', name: 'zed' }], roles: ['admin'], mesh: undefined })
  const eve = { token: await api.userToken([], 'eve') }
  const role = (name: string, access: string[], over: object = {}) =>
    api.put(`/access-roles/${name}`, { type: 'AccessRole', name, rules: [{ access, ...over }] }, eve)
  const to = (roles: string[], over: object = {}) => api.put('/access-role-bindings/mine', aBinding('mine', { roles, ...over }), eve)
  const token = (body: object) => api.send('POST', '/tokens/user', { validFor: '1h', ...body }, eve)

  const refused = [
    await role('wide', ['READ']),
    await role('wide', ['UPDATE'], { types: ['Secret'] }),
    await role('wide', ['READ'], { types: ['*'] }),
    await role('wide', ['VIEW_AUDIT']),
    await role('team-lead', ['VIEW_AUDIT']),
    await to(['admin'], { mesh: undefined }),
    await to(['mesh-admin']),
    await token({ name: 'eve2', groups: ['admin'] }),
    await token({ name: 'eve2', groups: ['mesh-system:admin'] }),
    await token({ name: 'zed' }),
  ]
  assert.deepEqual(
    refused.map(({ status, body }) => [status, body.code]),
    refused.map(() => [403, 'SKERRY_FORBIDDEN']),
  )
  assert.match(refused[0]!.body.detail, /the role "wide" would give what user "eve" does not hold: READ/)
  assert.match(refused[9]!.body.detail, /a token of user "zed" would give/)

  const granted = [
    await role('narrow', ['READ'], { types: ['MeshService'], mesh: 'shop' }),
    await to(['narrow']),
    await token({ name: 'friend', groups: ['shop-team'] }),
    await token({ name: 'eve' }),
  ]
  assert.deepEqual(
    granted.map(({ status }) => status),
    [201, 201, 200, 200],
  )
})

test('a role that cannot be read here is refused to whoever could gain by it, in bulk as well', async () => {
  await using api = await anApi()
  const rules = [{ access: ['READ', 'CREATE', 'UPDATE'], types: ['AccessRole', 'AccessRoleBinding'] }]
  await api.put('/access-roles/role-writer', { type: 'AccessRole', name: 'role-writer', rules })
  await bind(api, 'eve', { subjects: [{ type: 'User', name: 'eve' }], roles: ['role-writer'], mesh: undefined })
  const eve = { token: await api.userToken([], 'eve') }
  const admin = { type: 'AccessRole', name: 'x', rules: [{ access: ['READ'], types: ['*'] }] }

  const k8s = { apiVersion: 'kuma.io/v1alpha1', kind: 'AccessRole', metadata: { name: 'x' }, spec: { rules: admin.rules } }
  assert.equal((await api.put('/access-roles/x', k8s, eve)).status, 400)
  assert.equal((await api.put('/access-roles/x', { ...admin, unknown: 1 }, eve)).status, 403)
  assert.equal((await api.put('/access-roles/x', { ...admin, type: 'Mesh' }, eve)).status, 400)
  assert.equal((await api.send('POST', '/bulk', { items: [{ resource: admin }] }, eve)).status, 403)
  assert.equal((await api.get('/access-roles/x')).status, 404)
})

test('what a role or binding names must be there', async () => {
  await using api = await anApi()

  const type = await api.put('/access-roles/x', { type: 'AccessRole', name: 'x', rules: [{ access: ['READ'], types: ['MeshServce'] }] })
  const role = await api.put('/access-role-bindings/x', aBinding('x', { roles: ['mesh-admn'] }))
  const access = await api.put('/access-roles/x', { type: 'AccessRole', name: 'x', rules: [{ access: ['FLY'] }] })

  assert.deepEqual([type.status, type.body.invalid_parameters[0].field], [400, 'rules[0].types[0]'])
  assert.match(type.body.invalid_parameters[0].reason, /did you mean MeshService\?/)
  assert.deepEqual([role.status, role.body.invalid_parameters[0].field], [400, 'roles[0]'])
  assert.match(role.body.invalid_parameters[0].reason, /mesh-admin/)
  assert.equal(access.status, 400)
})

test('built-in roles are shown, and nobody changes or deletes them', async () => {
  await using api = await anApi()
  await showBuiltInRoles(api.registry, standaloneZone)
  const viewer = { token: await api.userToken(['viewer']) }

  const { body } = await api.get('/access-roles', viewer)
  assert.deepEqual(names(body), ['admin', 'auditor', 'mesh-admin', 'mesh-viewer', 'operator', 'viewer'])
  const put = await api.put('/access-roles/viewer', { type: 'AccessRole', name: 'viewer', rules: [{ access: ['DELETE'] }] })
  const gone = await api.delete('/access-roles/admin')
  const inBulk = await api.send('POST', '/bulk', { items: [{ delete: { type: 'AccessRole', name: 'admin' } }] })
  assert.deepEqual([put.status, put.body.code, gone.status, inBulk.status], [405, 'SKERRY_READ_ONLY', 405, 405])
})

test('a watch tells of what its reader may read now, be that more or less than when it began', async () => {
  await using api = await anApi()
  const bob = await twoMeshes(api)
  const abort = new AbortController()
  const response = await fetch(`${api.url}/watch?kind=meshservice&initial=true`, {
    headers: { authorization: `Bearer ${bob.token}` },
    signal: abort.signal,
  })
  const seen: string[] = []
  const reading = (async () => {
    for await (const chunk of response.body!) seen.push(Buffer.from(chunk).toString())
  })().catch(() => {})
  const told = async (mesh: string, name: string) => {
    await api.put(`/meshes/${mesh}/meshservices/${name}`, aService(name, mesh))
    await new Promise(resolve => setTimeout(resolve, 50))
    return seen.join('').includes(`"${name}"`)
  }

  const asAdmin = [await told('shop', 'one'), await told('blog', 'two')]
  await bind(api, 'blog-too', { mesh: 'blog', roles: ['mesh-viewer'] })
  const asBoth = [await told('shop', 'three'), await told('blog', 'four')]
  await api.delete('/access-role-bindings/shop-team')
  const asOther = [await told('shop', 'five'), await told('blog', 'six')]
  abort.abort()
  await reading

  assert.deepEqual(
    [asAdmin, asBoth, asOther],
    [
      [true, false],
      [true, true],
      [false, true],
    ],
  )
  assert.equal(seen.join('').includes('"mesh":"blog","name":"backend"'), false)
})

test('secrets are read by whoever is given them by name, and by no viewer', async () => {
  await using api = await anApi()
  const bob = await twoMeshes(api)
  const viewer = { token: await api.userToken(['viewer']) }
  const operator = { token: await api.userToken(['operator']) }

  assert.deepEqual((await api.get('/meshes/shop/secrets', viewer)).status, 403)
  assert.deepEqual((await api.get('/meshes/shop/secrets/key', operator)).status, 403)
  assert.deepEqual((await api.get('/meshes/shop/secrets/key', bob)).status, 200)
  assert.deepEqual((await api.get('/meshes/blog/secrets/key', bob)).status, 403)
  assert.deepEqual(names((await api.get('/secrets', bob)).body), ['shop/key'])
})

test("Kuma's admins are admins here", async () => {
  await using api = await anApi()
  const token = await api.userToken(['mesh-system:admin'])

  assert.equal((await api.put('/meshes/x', { type: 'Mesh', name: 'x' }, { token })).status, 201)
})

test('every route wants a token, but those that tell what this is, how it is used and whether it works', async () => {
  await using api = await anApi({ extraRoutes: app => void app.get('/extra', () => ({})) })
  const routes = routesOf(api.app.printRoutes())
  assert.ok(routes.length > 100, `${routes.length} routes`)
  const forged = `${await api.userToken(['admin'])}x`
  const open: string[] = []
  for (const [method, path] of routes) {
    const { status } = await api.send(method, path, undefined, { token: null })
    if (status !== 401 && status !== 404) open.push(`${method} ${path}`)
    if (status === 401) assert.equal((await api.send(method, path, undefined, { token: forged })).status, 401, `${method} ${path}`)
  }
  const isDocument = (route: string) => route.startsWith('GET /openapi.')
  assert.deepEqual(open.filter(route => !isDocument(route)).sort(), ['GET /', 'GET /healthz', 'GET /readyz'])
})

/** What is printed as a tree of pieces of paths. */
function routesOf(tree: string): [method: string, path: string][] {
  const pieces: string[] = []
  return tree.split('\n').flatMap(line => {
    const [, lead, piece = '', methods] = /^(.*?[├└]── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (lead === undefined) return []
    pieces.splice(lead.length / 4 - 1, Number.POSITIVE_INFINITY, piece)
    return (methods?.split(', ') ?? []).map((method): [string, string] => [method, pieces.join('').replaceAll(/:\w+/g, 'x')])
  })
}
