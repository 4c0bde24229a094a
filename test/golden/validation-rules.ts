import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  fromJson,
  getOption,
  hasOption,
  type JsonValue,
} from '@bufbuild/protobuf'
import { isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect'
import { type Any, anyUnpack, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { writeDescriptors } from '../../proto/descriptors.ts'

/** What only an Envoy's bootstrap is made of. */
const bootstrapFiles = [
  'envoy/config/bootstrap/v3/bootstrap.proto',
  'envoy/extensions/bootstrap/internal_listener/v3/internal_listener.proto',
]

/** What breaks a rule, and which: `Cluster.connect_timeout: duration.gt`. */
export type Violation = string

/** The rules as protobuf-es reads them out of the options; only what Envoy uses. */
interface Rules {
  readonly message?: { readonly required?: boolean }
  readonly type: { readonly case?: string; readonly value?: Record<string, unknown> }
}

/**
 * Envoy's own validation rules (PGV), read from its .proto files and applied to what we make. Envoy checks the same when it takes a resource; here every
 * field of every scenario is checked without one. https://github.com/bufbuild/protoc-gen-validate
 */
export class ValidationRules {
  readonly #registry: FileRegistry

  static read(): ValidationRules {
    const work = mkdtempSync(join(tmpdir(), 'skerry-proto-'))
    try {
      const whole = writeDescriptors(work, bootstrapFiles)
      return new ValidationRules(createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(whole))))
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }

  private constructor(registry: FileRegistry) {
    this.#registry = registry
  }

  /** @param type as in an Any, with or without `type.googleapis.com/` */
  check(type: string, bytes: Uint8Array): Violation[] {
    const schema = this.#schema(type)
    return this.#walk(reflect(schema, fromBinary(schema, bytes, { readUnknownFields: true })), schema.name)
  }

  checkJson(type: string, json: object): Violation[] {
    const schema = this.#schema(type)
    return this.#walk(reflect(schema, fromJson(schema, json as JsonValue, { registry: this.#registry })), schema.name)
  }

  #schema(type: string): DescMessage {
    const schema = this.#registry.getMessage(type.replace(/^.*\//, ''))
    if (!schema) throw new Error(`the descriptors have no ${type}`)
    return schema
  }

  #rulesOf(field: DescField): Rules | null {
    const extension = this.#registry.getExtension('validate.rules')!
    return hasOption(field, extension) ? (getOption(field, extension) as unknown as Rules) : null
  }

  #walk(message: ReflectMessage, path: string): Violation[] {
    const found: Violation[] = []
    const required = this.#registry.getExtension('validate.required')!
    for (const oneof of message.desc.oneofs) {
      if (hasOption(oneof, required) && getOption(oneof, required) && !message.oneofCase(oneof))
        found.push(`${path}.${oneof.name}: required`)
    }
    for (const field of message.fields) {
      const at = `${path}.${field.name}`
      const rules = this.#rulesOf(field)
      const isSet = message.isSet(field)
      if (field.oneof && !isSet) continue
      const wanted = rules?.message?.required || rules?.type.value?.required
      if (wanted && !isSet) found.push(`${at}: required`)
      for (const [index, value] of valuesOf(message, field)) {
        const place = index === '' ? at : `${at}[${index}]`
        if (isReflectMessage(value)) found.push(...this.#sub(value, place))
      }
      if (rules) found.push(...this.#check(message, field, rules, at, isSet))
    }
    return found
  }

  #sub(value: ReflectMessage, path: string): Violation[] {
    if (value.desc.typeName !== 'google.protobuf.Any')
      return value.desc.typeName.startsWith('google.protobuf.') ? [] : this.#walk(value, path)
    const any = value.message as unknown as Any
    if (any.typeUrl === '') return []
    const inside = anyUnpack(any, this.#registry)
    if (!inside) return [`${path}: ${any.typeUrl} is unknown`]
    const schema = this.#registry.getMessage(inside.$typeName)!
    return this.#walk(reflect(schema, inside), `${path}<${schema.name}>`)
  }

  #check(message: ReflectMessage, field: DescField, rules: Rules, at: string, isSet: boolean): Violation[] {
    const { value: rule = {} } = rules.type
    const bad = (name: string) => [`${at}: ${rules.type.case}.${name}`]
    if (field.fieldKind === 'list') {
      const items = [...message.get(field)]
      if (rule.ignoreEmpty && items.length === 0) return []
      return [
        ...(rule.minItems && BigInt(items.length) < (rule.minItems as bigint) ? bad('min_items') : []),
        ...(rule.maxItems && BigInt(items.length) > (rule.maxItems as bigint) ? bad('max_items') : []),
        ...(rule.items ? items.flatMap((item, index) => checkValue(item, rule.items as Rules, `${at}[${index}]`, field)) : []),
      ]
    }
    if (field.fieldKind === 'map') {
      const size = message.get(field).size
      return rule.minPairs && BigInt(size) < (rule.minPairs as bigint) ? bad('min_pairs') : []
    }
    if (field.fieldKind === 'message') return isSet ? checkValue(unwrapped(message.get(field)), rules, at, field) : []
    return checkValue(message.get(field), rules, at, field)
  }
}

function* valuesOf(message: ReflectMessage, field: DescField): Generator<[string, unknown]> {
  if (!message.isSet(field)) return
  if (field.fieldKind === 'list') {
    let index = 0
    for (const item of message.get(field)) yield [String(index++), item]
  } else if (field.fieldKind === 'map') for (const [key, value] of message.get(field)) yield [String(key), value]
  else if (field.fieldKind === 'message') yield ['', message.get(field)]
}

/** A wrapper's rules are its value's. */
function unwrapped(value: unknown): unknown {
  if (!isReflectMessage(value)) return value
  return /^google\.protobuf\.\w+Value$/.test(value.desc.typeName) ? (value.message as unknown as { value: unknown }).value : value.message
}

const headerName = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/
const anyHeader = /^[^\u0000\u000A\u000D]*$/
const headerValue = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/

function checkValue(value: unknown, { type }: Rules, at: string, field: DescField): Violation[] {
  const rule = type.value ?? {}
  const found: Violation[] = []
  const hold = (name: string, holds: boolean) => {
    if (!holds) found.push(`${at}: ${type.case}.${name}`)
  }
  const has = (name: string) => Object.hasOwn(rule, name)
  switch (type.case) {
    case 'string': {
      const text = value as string
      if (rule.ignoreEmpty && text === '') return []
      if (rule.minLen) hold('min_len', BigInt([...text].length) >= (rule.minLen as bigint))
      if (rule.maxLen) hold('max_len', BigInt([...text].length) <= (rule.maxLen as bigint))
      if (rule.minBytes) hold('min_bytes', BigInt(Buffer.byteLength(text)) >= (rule.minBytes as bigint))
      if (rule.maxBytes) hold('max_bytes', BigInt(Buffer.byteLength(text)) <= (rule.maxBytes as bigint))
      if (rule.prefix) hold('prefix', text.startsWith(rule.prefix as string))
      if (rule.pattern) hold('pattern', new RegExp(rule.pattern as string, 'u').test(text))
      if ((rule.in as string[] | undefined)?.length) hold('in', (rule.in as string[]).includes(text))
      const known = rule.wellKnown as { case?: string; value?: unknown } | undefined
      // Not strict means: no line and no end of text may be in it. Envoy lets pass what is not set.
      if (known?.case === 'wellKnownRegex' && text !== '') {
        const strict = known.value === 1 ? headerName : headerValue
        hold('well_known_regex', (has('strict') && rule.strict === false ? anyHeader : strict).test(text))
      }
      return found
    }
    case 'enum':
      if (rule.definedOnly && field.fieldKind !== 'message') hold('defined_only', field.enum?.value[value as number] !== undefined)
      if ((rule.notIn as number[] | undefined)?.length) hold('not_in', !(rule.notIn as number[]).includes(value as number))
      return found
    case 'duration': {
      const ns = nanoseconds(value)
      if (rule.gt) hold('gt', ns > nanoseconds(rule.gt))
      if (rule.gte) hold('gte', ns >= nanoseconds(rule.gte))
      if (rule.lt) hold('lt', ns < nanoseconds(rule.lt))
      if (rule.lte) hold('lte', ns <= nanoseconds(rule.lte))
      return found
    }
    case undefined:
    case 'bool':
    case 'bytes':
    case 'any':
    case 'timestamp':
    case 'repeated':
    case 'map':
      return []
    default: {
      const number = value as number | bigint
      if (rule.ignoreEmpty && !number) return []
      if (has('gt')) hold('gt', number > (rule.gt as number))
      if (has('gte')) hold('gte', number >= (rule.gte as number))
      if (has('lt')) hold('lt', number < (rule.lt as number))
      if (has('lte')) hold('lte', number <= (rule.lte as number))
      return found
    }
  }
}

function nanoseconds(value: unknown): bigint {
  const { seconds = 0n, nanos = 0 } = value as { seconds?: bigint; nanos?: number }
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
}
