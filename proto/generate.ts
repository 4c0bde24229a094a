/**
 * Writes src/gen from .proto files: Envoy's out of the devDependency `@grpc/grpc-js-xds` (which carries them in `deps/`) and our own
 * beside this file. Run by `npm run generate`; what it writes is committed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
import { protoc, writeDescriptors } from './descriptors.ts'

const root = join(import.meta.dirname, '..')

const work = mkdtempSync(join(tmpdir(), 'skerry-proto-'))
try {
  generate(join(root, 'src', 'gen'))
} finally {
  rmSync(work, { recursive: true, force: true })
}

function generate(target: string): void {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(writeDescriptors(work)))
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
