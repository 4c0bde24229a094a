import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { examples } from './documentation/examples.ts'
import { pages } from './documentation/pages.ts'
import { skerryProvider } from './skerry-provider.ts'

const files = { docs: pages(), examples: examples() }

test("the provider's pages and examples say what its schema says", () => {
  for (const [folder, made] of Object.entries(files)) {
    const directory = join(import.meta.dirname, folder)
    const there = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    assert.deepEqual(there.sort(), Object.keys(made).sort(), `${folder} is out of date: npm run terraform:docs`)
    for (const [name, text] of Object.entries(made)) {
      assert.equal(readFileSync(join(directory, name), 'utf8'), text, `${folder}/${name} is out of date: npm run terraform:docs`)
    }
  }
})

test('everything that the provider has stands in an example', () => {
  const { resources, dataSources, ephemeralResources, functions } = skerryProvider({})
  const wanted = [
    ...Object.keys(resources).map(type => `resources/${type}/resource.tf`),
    ...Object.keys(resources).map(type => `resources/${type}/import.sh`),
    ...Object.keys(dataSources).map(type => `data-sources/${type}/data-source.tf`),
    ...Object.keys(ephemeralResources).map(type => `ephemeral-resources/${type}/ephemeral-resource.tf`),
    ...Object.keys(functions).map(name => `functions/${name}/function.tf`),
  ]

  assert.deepEqual(
    wanted.filter(name => files.examples[name] === undefined),
    [],
  )
})

test('every attribute says what it is for, unless its name is a field of the API that says it', () => {
  const { resources, dataSources, ephemeralResources, attributes } = skerryProvider({})
  const handmade = ['skerry_resource', 'skerry_secret', 'skerry_global_secret', 'skerry_workload']
  const tables = {
    ...Object.fromEntries(handmade.map(type => [type, resources[type]!])),
    ...dataSources,
    ...ephemeralResources,
    provider: { attributes },
  }

  const silent = Object.entries(tables).flatMap(([type, it]) =>
    Object.entries(it.attributes).flatMap(([name, { description }]) => (description ? [] : [`${type}.${name}`])),
  )

  assert.deepEqual(silent, [])
})
