/**
 * Writes src/gen from .proto files: Envoy's out of the devDependency `@grpc/grpc-js-xds` (which carries them in `deps/`) and our own
 * beside this file. Run by `npm run generate`; what it writes is committed.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  FieldOptionsSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'

const root = join(import.meta.dirname, '..')
const own = ['skerry/agent/v1/agent.proto', 'skerry/sync/v1/sync.proto', 'kuma/mesh/v1alpha1/kds.proto']
const envoy = readFileSync(join(import.meta.dirname, 'envoy.txt'), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))

const work = mkdtempSync(join(tmpdir(), 'skerry-proto-'))
try {
  generate(join(root, 'src', 'gen'))
} finally {
  rmSync(work, { recursive: true, force: true })
}

function generate(target: string): void {
  const includes = copyProtos()
  patchValidate(join(includes[3]!, 'validate', 'validate.proto'))
  const whole = join(work, 'whole.binpb')
  protoc([...includes.map(path => `-I${path}`), '--include_imports', `--descriptor_set_out=${whole}`, ...envoy, ...own])
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(whole))
  strip(set)
  const stripped = join(work, 'stripped.binpb')
  writeFileSync(stripped, toBinary(FileDescriptorSetSchema, set))
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const plugin = join(root, 'node_modules', '.bin', 'protoc-gen-es')
  // Google's well-known types come with the runtime.
  const files = set.file.map(file => file.name).filter(name => !name.startsWith('google/protobuf/'))
  const options = 'target=js+dts,import_extension=js'
  protoc([`--descriptor_set_in=${stripped}`, `--plugin=protoc-gen-es=${plugin}`, `--es_out=${target}`, `--es_opt=${options}`, ...files])
  console.error(`${files.length} files written to ${target}`)
}

/**
 * Takes out of the descriptors what no program of ours reads: validation rules, version annotations, other languages' package names.
 * Every process parses the descriptors when it starts; this halves that.
 */
function strip(set: FileDescriptorSet): void {
  const dropped = /^(validate|(udpa|xds|envoy)\/annotations)\/|^google\/api\/(annotations|http)\.proto$/
  set.file = set.file.filter(file => !dropped.test(file.name))
  for (const file of set.file) {
    if (file.name.startsWith('google/protobuf/')) continue
    // Public imports are positions in the list of imports.
    const published = file.publicDependency.map(i => file.dependency[i]!)
    file.dependency = file.dependency.filter(name => !dropped.test(name))
    file.publicDependency = published.map(name => file.dependency.indexOf(name))
    file.options = undefined
    for (const message of file.messageType) stripMessage(message)
    for (const type of file.enumType) stripEnum(type)
  }
}

function stripMessage(message: DescriptorProto): void {
  if (!message.options?.mapEntry) message.options = undefined
  for (const field of message.field) {
    const packed = field.options?.packed
    field.options = packed === undefined ? undefined : create(FieldOptionsSchema, { packed })
  }
  for (const oneof of message.oneofDecl) oneof.options = undefined
  for (const nested of message.nestedType) stripMessage(nested)
  for (const type of message.enumType) stripEnum(type)
}

function stripEnum(type: EnumDescriptorProto): void {
  type.options = undefined
  for (const value of type.value) value.options = undefined
}

/** Include directories, ours first. */
function copyProtos(): string[] {
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

function protoc(args: readonly string[]): void {
  const program = createRequire(import.meta.url).resolve('protoc/protoc.cjs')
  execFileSync(process.execPath, [program, ...args], { stdio: 'inherit' })
}
