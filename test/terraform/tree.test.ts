import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { namesIn, terraformFolder } from '../../terraform/testing/harness/configurations.ts'
import { readSlices } from '../../terraform/testing/harness/slices.ts'
import { readModule } from '../../terraform/testing/readme/read-module.ts'
import { withTables } from '../../terraform/testing/readme/tables.ts'
import { typesInUse } from '../../terraform/testing/slices/types-in-use.ts'

const modules = namesIn('modules').map(name => ({ name, directory: join(terraformFolder, 'modules', name) }))

test('the tables in every README are as the module is: node terraform/testing/readme/main.ts brings them up to date', () => {
  for (const { name, directory } of modules) {
    const readme = readFileSync(join(directory, 'README.md'), 'utf8')
    assert.equal(readme, withTables(readme, readModule(directory)), name)
  }
})

test('every module has its files, says what each input and output is, and brings no provider of its own', () => {
  for (const { name, directory } of modules) {
    for (const file of ['main.tf', 'variables.tf', 'outputs.tf', 'versions.tf', 'README.md'])
      assert.ok(existsSync(join(directory, file)), `${name}/${file}`)
    assert.ok(
      readdirSync(join(directory, 'tests')).some(file => file.endsWith('.tftest.hcl')),
      `${name} has tests`,
    )
    const { inputs, outputs } = readModule(directory)
    for (const { name: item, description } of [...inputs, ...outputs]) assert.match(description, /\S/, `${name}: ${item}`)
    const text = configurationOf(directory)
    assert.doesNotMatch(text, /^provider "/m, name)
    assert.match(text, /required_version = ">= 1\.11"/, name)
    // What a mocked provider answers for it is no policy.
    assert.doesNotMatch(text, /aws_iam_policy_document/, name)
  }
})

test('all zone modules give the same outputs', () => {
  const common = [
    'discovery_identity',
    'gateway_addresses',
    'gateway_identity',
    'gateway_origin',
    'token_secret',
    'xds_address',
    'zone_name',
  ]
  for (const { name, directory } of modules.filter(({ name }) => name.endsWith('-zone'))) {
    const outputs = readModule(directory).outputs.map(output => output.name)
    assert.deepEqual(
      common.filter(output => !outputs.includes(output)),
      [],
      name,
    )
  }
})

test('what takes tags is given them', () => {
  const taggable = new Map(
    readSlices().flatMap(({ schema }) =>
      Object.entries(schema.resource_schemas).map(([type, { block }]) => [type, block.attributes ?? {}] as const),
    ),
  )
  for (const { name, directory } of modules) {
    for (const [, type, label, body] of configurationOf(directory).matchAll(/^resource "(\w+)" "(\w+)" \{\n([\s\S]*?)^\}/gm)) {
      const attributes = taggable.get(type!) ?? {}
      if (type!.startsWith('google_')) {
        if (attributes.labels) assert.match(body!, /^ {2}labels\s+=/m, `${name}: ${type}.${label}`)
      } else if (attributes.tags?.optional) assert.match(body!, /^ {2}tags\s+=/m, `${name}: ${type}.${label}`)
    }
  }
})

test('the slices of schemas are of exactly the types in use: terraform/testing/slices/main.ts makes them', () => {
  const used = typesInUse(['modules', 'examples'].map(folder => join(terraformFolder, folder)))
  const cloud = (types: Iterable<string>) => [...types].filter(type => !type.startsWith('skerry_')).sort()
  const slices = readSlices().map(({ schema }) => schema)

  assert.deepEqual(slices.flatMap(slice => Object.keys(slice.resource_schemas)).sort(), cloud(used.resources))
  assert.deepEqual(slices.flatMap(slice => Object.keys(slice.data_source_schemas)).sort(), cloud(used.dataSources))
  for (const { provenance, source } of slices) assert.match(provenance, new RegExp(source))
})

function configurationOf(directory: string): string {
  return readdirSync(directory)
    .filter(file => file.endsWith('.tf'))
    .map(file => readFileSync(join(directory, file), 'utf8'))
    .join('\n')
}

test('a zone is deleted when its control plane has ended, and not before', () => {
  const controlPlane = /^resource "(aws_ecs_service" "control_plane|aws_instance" "this|helm_release" "this)" \{\n([\s\S]*?)^\}/m
  for (const { name, directory } of modules.filter(({ name }) => name.endsWith('-zone'))) {
    const [, , body = ''] = controlPlane.exec(configurationOf(directory)) ?? []
    assert.match(body, /depends_on = \[\s*skerry_zone\.this,/, name)
  }
})
