import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminToken, anApi } from '../src/api/test-support.ts'
import { cli, filesOf } from '../src/cli/test-support.ts'

const mesh = 'type: Mesh\nname: shop\n'
const service = (name: string, port: number | string) =>
  `type: MeshService\nmesh: shop\nname: ${name}\nlabels: { team: pay }\nspec:\n  selector: { dataplaneLabels: { matchLabels: { app: ${name} } } }\n  ports: [{ port: ${port} }]\n`

test('skerry apply brings a mesh and what is in it in one transaction, or nothing', async () => {
  await using api = await anApi()
  await using files = await filesOf({
    token: adminToken,
    'b.yaml': `${service('orders', 80)}---\n${mesh}`,
    'wrong.yaml': `${service('web', 80)}---\n${service('bad', 700_000)}`,
  })
  const env = { SKERRY_API: api.url, SKERRY_TOKEN_FILE: `${files.path}/token` }
  const before = api.registry.revision

  const dry = await cli(['apply', '-f', `${files.path}/b.yaml`, '--dry-run'], { env })
  const afterDry = api.registry.revision
  const applied = await cli(['apply', '-f', `${files.path}/b.yaml`], { env })
  const refused = await cli(['apply', '-f', `${files.path}/wrong.yaml`], { env })

  assert.deepEqual([dry.code, afterDry], [0, before], dry.err)
  assert.deepEqual([applied.code, api.registry.revision], [0, before + 1], applied.err)
  assert.match(applied.out, /Mesh +shop +created\nMeshService +shop +orders +created\n/)
  assert.equal(refused.code, 65)
  assert.match(refused.err, /wrong\.yaml:15:13 spec\.ports\[0\]\.port: /)
  assert.match(refused.out, /web +not applied\n.*bad +rejected\n/)
  assert.equal(api.registry.list('MeshService').length, 1)
})

test('skerry apply --prune and delete -f leave what the files say', async () => {
  await using api = await anApi()
  await using files = await filesOf({
    token: adminToken,
    'mesh.yaml': mesh,
    'two.yaml': `${service('a', 80)}---\n${service('b', 80)}`,
    'one.yaml': service('b', 81),
  })
  const env = { SKERRY_API: api.url, SKERRY_TOKEN_FILE: `${files.path}/token` }
  const run = (...args: string[]) => cli(args, { env })
  await run('apply', '-f', `${files.path}/mesh.yaml`, '-f', `${files.path}/two.yaml`)

  const pruned = await run('apply', '-f', `${files.path}/one.yaml`, '--prune', '-l', 'team=pay')
  const left = api.registry.list('MeshService').map(({ name }) => name)
  const deleted = await run('delete', '-f', `${files.path}/one.yaml`, '-f', `${files.path}/mesh.yaml`)

  assert.match(pruned.out, /b +configured\n.*a +pruned\n/, pruned.err)
  assert.deepEqual(left, ['b'])
  assert.deepEqual([deleted.code, [...api.registry.all()]], [0, []], deleted.err)
})
