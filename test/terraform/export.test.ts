import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { cli, type Ended, filesOf } from '../../src/cli/test-support.ts'
import { Expression, hclBlock } from '../../src/convert/terraform/hcl.ts'
import { resourceTypeOf, typedKinds } from '../../src/convert/terraform/kind-names.ts'
import type { KindDefinition } from '../../src/model/kind.ts'
import { apiPath } from '../../terraform/provider/resources/resource-key.ts'
import { aGlobal, aZone, type TestControlPlane } from './control-planes.ts'
import { aProviderTest } from './provider-test.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

const isOfZone = ({ sync }: KindDefinition) => sync === 'zone' || sync === 'forwarded'

/** Every kind's example, in the mesh that there is from the start and in one more. */
async function writeAll(controlPlane: TestControlPlane, kinds: readonly KindDefinition[]): Promise<void> {
  const put = async (kind: KindDefinition, mesh: string, name: string) => {
    const body = {
      type: kind.kind,
      ...(mesh === '' ? {} : { mesh }),
      name,
      labels: { ...kind.example.labels, team: 'shop' },
      ...(kind.shape === 'flat' ? (kind.example.spec as object) : { spec: kind.example.spec }),
    }
    const { status, body: answer } = await controlPlane.ask('PUT', apiPath(kind, { mesh, name }), body)
    assert(status < 300, `${kind.kind}: ${JSON.stringify(answer)}`)
  }
  for (const kind of kinds) {
    if (kind.kind === 'Mesh') await put(kind, '', 'shop')
    else if (kind.scope === 'global') await put(kind, '', kind.example.name)
    else for (const mesh of ['default', 'shop']) await put(kind, mesh, kind.example.name)
  }
}

/** A command line with an admin's rights. */
async function asAdmin(controlPlane: TestControlPlane, argv: readonly string[], stdin = ''): Promise<Ended> {
  await using files = await filesOf({ 'admin.token': controlPlane.adminToken })
  return cli(argv, { env: { SKERRY_API: controlPlane.endpoint, SKERRY_TOKEN_FILE: join(files.path, 'admin.token') }, stdin })
}

async function takesOver(controlPlane: TestControlPlane, kinds: readonly KindDefinition[]): Promise<void> {
  await using provider = await aProviderTest(controlPlane)
  const { workspace } = provider
  await writeAll(controlPlane, kinds)

  const { code, out, err } = await asAdmin(controlPlane, ['export', '--terraform'])
  assert.equal(code, 0, err)
  await workspace.write({ 'mesh.tf': out })
  for (const { kind } of kinds) assert.match(err, /\d+ resources/, kind)

  await workspace.must(['fmt', '-check', '-diff', 'mesh.tf'])
  const count = out.match(/^import \{/gm)?.length ?? 0
  assert(count > kinds.length)
  const applied = await workspace.apply()
  assert.match(applied.output, new RegExp(`${count} imported, 0 added, 0 changed, 0 destroyed`))
  await workspace.planNothing()
}

test('what is exported from global is taken over by Terraform with nothing to change', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()

  await takesOver(
    controlPlane,
    typedKinds.filter(kind => !isOfZone(kind)),
  )
})

test('what is exported from a zone is taken over by Terraform with nothing to change', skipWithoutTerraform, async () => {
  await using controlPlane = await aZone()

  await takesOver(
    controlPlane,
    typedKinds.filter(
      kind => kind.kind !== 'Zone' && kind.kind !== 'Dataplane' && !['AccessRole', 'AccessRoleBinding'].includes(kind.kind),
    ),
  )
})

test('what is exported from one control plane is made anew at another', skipWithoutTerraform, async () => {
  await using one = await aGlobal()
  await using other = await aGlobal({ defaults: false })
  await using provider = await aProviderTest(other)
  await writeAll(
    one,
    typedKinds.filter(kind => !isOfZone(kind)),
  )

  const { out } = await asAdmin(one, ['export', '--terraform'])
  await provider.workspace.write({ 'mesh.tf': out.replace(/^import \{\n.*\n.*\n\}\n\n/gm, '') })
  await provider.workspace.apply()
  await provider.workspace.planNothing()
})

test('Terraform writes the configuration of what it imports by itself, with nothing to change', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  await using provider = await aProviderTest(controlPlane)
  const kinds = typedKinds.filter(kind => !isOfZone(kind) && kind.kind !== 'Mesh')
  await writeAll(controlPlane, [...typedKinds.filter(({ kind }) => kind === 'Mesh'), ...kinds])
  const imports = kinds.map(({ kind, scope, example }) =>
    hclBlock('import', [], {
      to: new Expression(`${resourceTypeOf(kind)}.x`),
      id: scope === 'mesh' ? `shop/${example.name}` : example.name,
    }),
  )
  await provider.workspace.write({ 'imports.tf': imports.join('\n') })

  const { output } = await provider.workspace.must(['plan', '-generate-config-out=generated.tf'])

  assert.match(output, new RegExp(`${kinds.length} to import, 0 to add, 0 to change, 0 to destroy`))
})

test('any text arrives in Terraform as it is', skipWithoutTerraform, async () => {
  await using workspace = await Workspace.open()
  const signs = fc.constantFrom('$', '{', '%', '}', '"', '\\', 'b', '\b', '\f', '\n', '\t', '\r', 'é', '\u2028', '😀', '\u007f', '~')
  const texts = fc.sample(fc.string({ unit: signs }), 300)
  await workspace.write({ 'main.tf': texts.map((text, index) => hclBlock('output', [`o${index}`], { value: text })).join('') })

  await workspace.apply()

  const outputs = JSON.parse((await workspace.must(['output', '-json'])).output)
  assert.deepEqual(
    texts.map((_, index) => outputs[`o${index}`].value),
    texts,
  )
})

test('what is exported as YAML is what apply takes, and changes nothing', async () => {
  await using controlPlane = await aGlobal()
  await writeAll(
    controlPlane,
    typedKinds.filter(kind => !isOfZone(kind)),
  )
  const { code, out, err } = await asAdmin(controlPlane, ['export'])
  assert.equal(code, 0, err)
  const applied = await asAdmin(controlPlane, ['apply', '-f', '-'], out)

  assert.equal(applied.code, 0, applied.err)
  assert.doesNotMatch(applied.out, /created|configured/)
})
