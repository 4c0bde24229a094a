import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const own = ['skerry/agent/v1/agent.proto', 'skerry/sync/v1/sync.proto', 'kuma/mesh/v1alpha1/kds.proto']

/** Envoy's files that we speak. */
export const envoyFiles: readonly string[] = readFileSync(join(import.meta.dirname, 'envoy.txt'), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))

/**
 * Writes the descriptors of all that we speak, and of what it imports, validation rules and all, into a file in `work`; resolves to its path. Envoy's
 * files come out of the devDependency `@grpc/grpc-js-xds`, which carries them in `deps/`. `more`: further files of Envoy's.
 */
export function writeDescriptors(work: string, more: readonly string[] = []): string {
  const includes = copyProtos(work)
  patchValidate(join(includes[3]!, 'validate', 'validate.proto'))
  const whole = join(work, 'whole.binpb')
  const paths = includes.map(path => `-I${path}`)
  protoc([...paths, '--include_imports', `--descriptor_set_out=${whole}`, ...envoyFiles, ...more, ...own])
  return whole
}

/** Include directories, ours first. */
function copyProtos(work: string): string[] {
  const deps = join(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json'), '..', 'deps')
  const names = ['envoy-api', 'xds', 'protoc-gen-validate', 'googleapis']
  for (const name of names) cpSync(join(deps, name), join(work, name), { recursive: true })
  return [import.meta.dirname, ...names.map(name => join(work, name))]
}

/** The package's copy of validate.proto is years older than its Envoy protos and lacks a field that they use. */
function patchValidate(path: string): void {
  const numeric = [
    'Float',
    'Double',
    'Int32',
    'Int64',
    'UInt32',
    'UInt64',
    'SInt32',
    'SInt64',
    'Fixed32',
    'Fixed64',
    'SFixed32',
    'SFixed64',
  ]
  const numberOf: Record<string, number> = { String: 26, Bytes: 14, Repeated: 5, Map: 6 }
  for (const name of numeric) numberOf[name] = 8
  let text = readFileSync(path, 'utf8')
  for (const [name, number] of Object.entries(numberOf)) {
    text = text.replace(new RegExp(`(message ${name}Rules \\{[\\s\\S]*?)\\n\\}`), (whole, body: string) =>
      body.includes('ignore_empty') ? whole : `${body}\n    optional bool ignore_empty = ${number};\n}`,
    )
  }
  writeFileSync(path, text)
}

/** Runs the compiler. Throws when it does not like something. */
export function protoc(args: readonly string[]): void {
  const program = createRequire(import.meta.url).resolve('protoc/protoc.cjs')
  execFileSync(process.execPath, [program, ...args], { stdio: 'inherit' })
}
