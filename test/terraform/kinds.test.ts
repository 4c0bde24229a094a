import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceTypeOf, typedKinds } from '../../src/convert/terraform/kind-names.ts'
import { type ResourceHcl, resourceHcl } from '../../src/convert/terraform/resource-hcl.ts'
import type { KindDefinition } from '../../src/model/kind.ts'
import { apiPath } from '../../terraform/provider/resources/resource-key.ts'
import { aGlobal, aZone, type TestControlPlane } from './control-planes.ts'
import { aProviderTest } from './provider-test.ts'
import { skipWithoutTerraform, type Workspace } from './terraform-command.ts'

/** Kinds that belong to a zone are written at one; what is tested is a mesh of its own, so that no default is in the way. */
const isOfZone = ({ sync }: KindDefinition) => sync === 'zone' || sync === 'forwarded'
const mesh = 'tested'

interface Case extends ResourceHcl {
  readonly kind: KindDefinition
  readonly path: string
}

function casesOf(kinds: readonly KindDefinition[], labels: Readonly<Record<string, string>>): Case[] {
  return kinds.map(kind => {
    const name = kind.kind === 'Mesh' ? mesh : kind.example.name
    const key = { mesh: kind.scope === 'mesh' ? mesh : '', name }
    const hcl = resourceHcl({ kind, ...key, labels: { ...kind.example.labels, ...labels }, spec: kind.example.spec })
    // What is in the mesh comes after it.
    const text =
      kind.scope === 'mesh'
        ? hcl.text
            .replace(`mesh = "${mesh}"`, 'mesh = skerry_mesh.tested.id')
            .replace(/mesh {2}= "tested"/, 'mesh   = skerry_mesh.tested.id')
        : hcl.text
    return { ...hcl, text, kind, path: apiPath(kind, key) }
  })
}

async function throughItsLife(controlPlane: TestControlPlane, kinds: readonly KindDefinition[]): Promise<void> {
  await using provider = await aProviderTest(controlPlane)
  const { workspace } = provider
  const first = casesOf(kinds, { team: 'one' })
  const write = (cases: readonly Case[]) => workspace.write({ 'resources.tf': cases.map(({ text }) => text).join('\n') })

  await write(first)
  await workspace.apply()
  await workspace.planNothing()
  for (const { path, kind } of first) assert.equal((await controlPlane.ask('GET', path)).status, 200, `${kind.kind} is there`)

  const second = casesOf(kinds, { team: 'two' })
  await write(second)
  const updated = await workspace.apply()
  assert.match(updated.output, new RegExp(`0 added, ${kinds.length} changed, 0 destroyed`))
  await workspace.planNothing()
  for (const { path, kind } of second)
    assert.equal((await controlPlane.ask('GET', path)).body.labels.team, 'two', `${kind.kind} was changed`)

  await importAll(workspace, second)

  for (const { path, kind } of second.toReversed()) {
    if (kind.scope === 'mesh')
      assert.equal((await controlPlane.ask('DELETE', path)).status, 200, `${kind.kind} is deleted behind Terraform's back`)
  }
  const gone = second.filter(({ kind }) => kind.scope === 'mesh').length
  const again = await workspace.apply()
  assert.match(again.output, new RegExp(`${gone} added, 0 changed, 0 destroyed`))
  await workspace.planNothing()

  await workspace.must(['destroy', '-auto-approve'])
  for (const { path, kind } of second) assert.equal((await controlPlane.ask('GET', path)).status, 404, `${kind.kind} is gone`)
}

/** Into an empty state: what is imported must be what is written, with nothing to change. */
async function importAll(workspace: Workspace, cases: readonly Case[]): Promise<void> {
  await workspace.write({
    'imports.tf': cases.map(({ address, importId }) => `import {\n  to = ${address}\n  id = "${importId}"\n}\n`).join('\n'),
  })
  await workspace.remove('terraform.tfstate')
  const imported = await workspace.apply()
  assert.match(imported.output, new RegExp(`${cases.length} imported, 0 added, 0 changed, 0 destroyed`))
  await workspace.remove('imports.tf')
  await workspace.planNothing()
}

test(
  'what is written at global is created, changed, imported, made again and destroyed, and never differs in between',
  skipWithoutTerraform,
  async () => {
    await using controlPlane = await aGlobal()

    await throughItsLife(
      controlPlane,
      typedKinds.filter(kind => !isOfZone(kind)),
    )
  },
)

test(
  'what is written in a zone is created, changed, imported, made again and destroyed, and never differs in between',
  skipWithoutTerraform,
  async () => {
    await using controlPlane = await aZone()

    await throughItsLife(
      controlPlane,
      typedKinds.filter(kind => isOfZone(kind) || kind.kind === 'Mesh'),
    )
  },
)

test('every kind that users write has a resource of its own', () => {
  const types = typedKinds.map(({ kind }) => resourceTypeOf(kind))

  assert.equal(new Set(types).size, types.length)
  assert(types.includes('skerry_mesh') && types.includes('skerry_http_route') && types.includes('skerry_multi_zone_service'))
})
