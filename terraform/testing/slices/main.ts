import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProviderSchema, Schema } from '../provider-schema.ts'
import { readBinding } from './bindings.ts'
import { typesInUse } from './types-in-use.ts'

/**
 * Writes `schemas/<provider>.json`: the types that modules and examples use, out of unpacked npm packages with generated bindings.
 *
 *     npm pack @cdktn/provider-aws && tar xzf cdktn-provider-aws-*.tgz     # in a folder of its own: it becomes ./package
 *     node terraform/testing/slices/main.ts FOLDER…
 */
const terraform = join(import.meta.dirname, '../..')

interface Package {
  readonly name: string
  readonly version: string
  readonly cdktf?: { readonly provider: { readonly name: string; readonly version: string } }
  readonly cdktn?: Package['cdktf']
}

function main(folders: readonly string[]): void {
  const used = typesInUse([join(terraform, 'modules'), join(terraform, 'examples')])
  for (const folder of folders) {
    const slice = readSlice(join(folder, 'package'), used)
    const name = slice.source.split('/').at(-1)!
    writeFileSync(join(terraform, 'testing/schemas', `${name}.json`), `${print(slice)}\n`)
    const counts = `${Object.keys(slice.resource_schemas).length} resources, ${Object.keys(slice.data_source_schemas).length} data sources`
    process.stdout.write(`${name} ${slice.version}: ${counts}\n`)
  }
}

function readSlice(folder: string, used: ReturnType<typeof typesInUse>): ProviderSchema {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package
  const provider = (about.cdktf ?? about.cdktn)!.provider
  const short = provider.name.split('/').at(-1)!
  const read = (directory: string): Schema =>
    readBinding(readSources(join(folder, 'lib', directory)), { blocksAreAttributes: usesAttributesOnly.has(short) })
  const mine = (types: ReadonlySet<string>) => [...types].filter(type => type.startsWith(`${short}_`)).sort()
  const directoryOf = (type: string) => type.slice(short.length + 1).replaceAll('_', '-')
  return {
    source: provider.name,
    version: provider.version,
    provenance: `Names, types and flags of ${provider.name} ${provider.version}, read by slices/main.ts out of the npm package ${about.name} ${about.version}`,
    provider: read('provider'),
    resource_schemas: Object.fromEntries(mine(used.resources).map(type => [type, read(directoryOf(type))])),
    data_source_schemas: Object.fromEntries(mine(used.dataSources).map(type => [type, read(`data-${short}-${directoryOf(type)}`)])),
  }
}

/** Providers of the newer plugin framework: what bindings call blocks are attributes there. */
const usesAttributesOnly: ReadonlySet<string> = new Set(['helm'])

/** The TypeScript that a binding was compiled from lies in its source map. Large ones are spread over several files. */
function readSources(directory: string): string {
  const structs = join(directory, 'index-structs')
  const files = existsSync(structs) ? readdirSync(structs).filter(file => /^structs\d+\.js$/.test(file)) : []
  return [join(directory, 'index.js'), ...files.map(file => join(structs, file))].map(readSource).join('\n')
}

function readSource(file: string): string {
  const map = /sourceMappingURL=data:application\/json;base64,(\S+)/.exec(readFileSync(file, 'utf8'))?.[1]
  if (map === undefined) throw new Error(`${file} has no source map: is this a package of generated bindings?`)
  return (JSON.parse(Buffer.from(map, 'base64').toString()) as { sourcesContent: string[] }).sourcesContent.join('\n')
}

/** A line for each attribute: small, and still readable as a difference. */
function print(slice: ProviderSchema): string {
  return JSON.stringify(slice, null, 1).replace(/\{\n\s+"type": [^{}]*?\n\s*\}/g, attribute => attribute.replace(/\n\s*/g, ' '))
}

main(process.argv.slice(2))
