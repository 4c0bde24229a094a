import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { cli, filesOf } from '../test-support.ts'

const guide = join(import.meta.dirname, '../../../docs/guides/from-kuma-2.md')
const zone = 'type: Zone\nname: east\n'
const permission = `type: TrafficPermission
mesh: default
name: allow-web
sources: [{ match: { kuma.io/service: web } }]
destinations: [{ match: { kuma.io/service: backend } }]
surprise: 1
`

test('the example of the guide is what it says', async () => {
  const [input, output] = [...(await readFile(guide, 'utf8')).matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!)

  const { code, out, err } = await cli(['import', 'kuma-2', '-f', '-', '--strict'], { stdin: input! })

  assert.equal(out, output)
  assert.deepEqual([code, err], [0, '3 objects → 3 resources; fields: 23 kept, 0 approximated, 0 dropped\n'])
})

test('what was not kept stands on stderr with its line, and --strict makes an exit code of it', async () => {
  const stdin = `${zone}---\n${permission}`
  const { code, out, err } = await cli(['import', 'kuma-2', '-f', '-'], { stdin })
  const strict = await cli(['import', 'kuma-2', '-f', '-', '--strict', '--all'], { stdin })

  assert.equal(code, 0)
  assert.match(
    out,
    /^# for the global control plane\ntype: Zone\nname: east\n---\n# for the global control plane\ntype: MeshTrafficPermission\n/,
  )
  assert.match(
    err,
    /^PLACE +OBJECT +FIELD +OUTCOME +NOTE\nstdin:9:1 +TrafficPermission\/allow-web +surprise +dropped +unknown field\n2 objects → 2 /,
  )
  assert.equal(strict.code, 3)
  assert.match(
    strict.err,
    /stdin:7:22 +TrafficPermission\/allow-web +sources\[0\]\.match\["kuma\.io\/service"\] +kept +as kuma\.io\/workload\n/,
  )
})

test('-o json holds resources and report, and nothing else is printed', async () => {
  const { out, err } = await cli(['import', 'kuma-2', '-f', '-', '-o', 'json', '--zones', 'west'], { stdin: permission })
  const { resources, report, fields } = JSON.parse(out)

  assert.equal(err, '')
  assert.equal(resources[0].on, 'global')
  assert.equal(resources[0].resource.spec.rules[0].default.allow[0].spiffeID.value, 'spiffe://default.west.mesh.local/workload/web')
  assert.deepEqual([report[0].type, report[0].fields.length, fields], ['TrafficPermission', 6, { kept: 5, approximated: 0, dropped: 1 }])
  assert.deepEqual(report[0].fields.at(-1), { field: 'surprise', outcome: 'dropped', note: 'unknown field', place: 'stdin:6:1' })
})

test('--out writes a file, or one for each control plane, that only their owner may read', async () => {
  const dataplane = `type: Dataplane\nmesh: default\nname: a\nnetworking: {address: 10.0.0.1, inbound: [{port: 1, tags: {kuma.io/service: a, kuma.io/zone: east}}]}\n`
  await using files = await filesOf({ 'zone.yaml': zone, 'dp.yaml': dataplane })

  const asDirectory = await cli(['import', 'kuma-2', '-f', files.path, '--out', 'made'], { cwd: files.path })
  const asFile = await cli(['import', 'kuma-2', '-f', join(files.path, 'zone.yaml'), '--out', 'new/all.yaml'], { cwd: files.path })

  assert.deepEqual([asDirectory.code, asDirectory.out, asFile.code, asFile.out], [0, '', 0, ''])
  assert.match(await readFile(join(files.path, 'made', 'global.yaml'), 'utf8'), /^# for the global control plane\ntype: Zone\n/)
  assert.match(await readFile(join(files.path, 'made', 'zone-east.yaml'), 'utf8'), /^# for zone east\ntype: Dataplane\n/)
  assert.equal((await stat(join(files.path, 'new', 'all.yaml'))).mode & 0o777, 0o600)
})

test('what cannot be read ends with 65, every problem with its line', async () => {
  const { code, out, err } = await cli(['import', 'kuma-2', '-f', '-'], {
    stdin: 'type: Zone\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n- 1\n---\na: [\n',
  })

  assert.deepEqual([code, out], [65, ''])
  assert.match(err, /stdin:1:1: name: is missing/)
  assert.match(err, /stdin:3:1: an object of apps\/v1 is not Kuma's/)
  assert.match(err, /stdin:7:1: an object is wanted here/)
  assert.match(err, /code: SKERRY_BAD_FILE/)
  assert.equal((await cli(['import', 'kuma-2'])).code, 64)
  assert.equal((await cli(['import', 'kuma-2', '-f', '-'], { stdin: '' })).code, 65)
})
