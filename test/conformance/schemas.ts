import { basename, join } from 'node:path'
import { jsonSchemaOf } from '../../src/model/json-schema.ts'
import { kindByName, kindByPath } from '../../src/model/kinds/index.ts'
import { filesUnder, readText, yamlDocuments } from './data.ts'
import { jsonDifference } from './difference.ts'
import type { ConformanceCase, ConformanceSuite } from './suite.ts'

/** What is compared of a schema, Kuma's (OpenAPI v3 in a CRD) and ours (JSON Schema). */
interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly default?: unknown
  readonly description?: string
  readonly 'x-kubernetes-int-or-string'?: boolean
}

interface Crd {
  readonly spec: {
    readonly names: { readonly plural: string }
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

/**
 * Kuma's CRDs, field by field: is there the same field, of the same type, with the same values and default, and mandatory where it is there? What
 * Kuma checks in code may stand in the schema here: narrower ranges, more that is mandatory, fewer kinds for a reference. An empty default is
 * what Kuma's decoder makes of an absent object. Kinds that are protos have an empty schema in their CRD and one of their own, which knows no more
 * than names and values.
 */
export const schemasSuite: ConformanceSuite = {
  name: 'schemas',
  open: dataFolder => {
    const crds = join(dataFolder, 'docs/generated/raw/crds')
    const protos = join(dataFolder, 'docs/generated/raw/protos')
    return {
      cases: [
        ...filesUnder(crds, path => path.endsWith('.yaml')).flatMap(file => casesOf(join(crds, file))),
        ...filesUnder(protos, path => path.endsWith('.json')).flatMap(file => casesOfProto(join(protos, file))),
      ],
    }
  },
}

function casesOf(file: string): ConformanceCase[] {
  const [crd] = yamlDocuments<Crd>(readText(file))
  const theirs = crd?.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec
  if (crd === undefined || theirs?.properties === undefined) return []
  const kind = kindByPath(crd.spec.names.plural)
  if (kind === undefined) return [{ name: basename(file, '.yaml'), run: () => `there is no kind ${crd.spec.names.plural}` }]
  const ours = (jsonSchemaOf(kind) as Schema).properties?.spec
  return [...compareFields(theirs, ours, `${kind.kind}.spec`)]
}

interface ProtoSchema {
  readonly $ref?: string
  readonly definitions?: Readonly<Record<string, ProtoSchema>>
  readonly properties?: Readonly<Record<string, ProtoSchema>>
  readonly additionalProperties?: ProtoSchema | boolean
  readonly items?: ProtoSchema
  readonly enum?: readonly unknown[]
}

/** Of messages that are kinds; the others are parts of calls. */
function casesOfProto(file: string): ConformanceCase[] {
  const kind = kindByName(basename(file, '.json'))
  if (kind === undefined) return []
  const { definitions = {}, $ref = '' } = JSON.parse(readText(file)) as ProtoSchema
  const deref = (schema: ProtoSchema): ProtoSchema =>
    schema.$ref === undefined ? schema : (definitions[schema.$ref.replace('#/definitions/', '')] ?? {})
  const compareMessage = function* (theirs: ProtoSchema, ours: Schema | undefined, at: string): Generator<ConformanceCase> {
    for (const [field, schema] of Object.entries(theirs.properties ?? {})) {
      const name = field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const our = ours?.properties?.[name]
      yield { name: `${at}.${name}`, run: () => compareProtoField(schema, our) }
      const [theirPart, ourPart] = schema.items === undefined ? [schema, our] : [schema.items, our?.items]
      const isMap = typeof schema.additionalProperties === 'object'
      const theirValue = isMap ? (schema.additionalProperties as ProtoSchema) : theirPart
      const ourValue = isMap ? (ourPart?.additionalProperties as Schema | undefined) : ourPart
      yield* compareMessage(deref(theirValue), ourValue, `${at}.${name}${schema.items ? '[]' : ''}`)
    }
  }
  return [...compareMessage(deref({ $ref }), jsonSchemaOf(kind) as Schema, kind.kind)]
}

/** Values have numbers, too, which JSON does not show. */
function compareProtoField({ enum: values }: ProtoSchema, ours: Schema | undefined): string {
  if (ours === undefined) return 'there is no such field'
  const theirs = values?.filter(value => typeof value === 'string' && value !== 'Unspecified')
  return theirs === undefined ? '' : jsonDifference(valuesOf(ours), theirs.map(String).toSorted())
}

function* compareFields(theirs: Schema, ours: Schema | undefined, at: string): Generator<ConformanceCase> {
  const known = new Map(Object.entries(ours === undefined ? {} : merged(ours).properties))
  for (const [field, their] of Object.entries(theirs.properties ?? {})) {
    const our = known.get(field)
    const path = `${at}.${field}`
    yield {
      name: path,
      run: () => compare(path, their, our, theirs.required?.includes(field) === true, ours !== undefined && isRequired(ours, field)),
    }
    yield* compareFields(their, our, path)
    if (their.items !== undefined) yield* compareFields(their.items, our?.items, `${path}[]`)
  }
  for (const field of known.keys()) {
    if (theirs.properties !== undefined && !Object.hasOwn(theirs.properties, field))
      yield { name: `${at}.${field}`, run: () => 'Kuma has no such field' }
  }
}

function compare(at: string, theirs: Schema, ours: Schema | undefined, theirsRequired: boolean, oursRequired: boolean): string {
  if (ours === undefined) return 'there is no such field'
  const lines: string[] = []
  const say = (what: string, actual: unknown, expected: unknown) => {
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      lines.push(`${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
  }
  say('type', typeOf(ours), typeOf(theirs))
  if (!isReference(at)) say('values', valuesOf(ours), valuesOf(theirs))
  else
    say(
      'values beyond',
      valuesOf(ours)?.filter(value => !valuesOf(theirs)?.includes(value)),
      [],
    )
  if (theirs.items !== undefined) {
    say('type of items', typeOf(ours.items ?? {}), typeOf(theirs.items))
    say('values of items', valuesOf(ours.items ?? {}), valuesOf(theirs.items))
    say('most items', ours.maxItems, theirs.maxItems)
  }
  if (!isEmpty(ours.default)) say('default', ours.default, theirs.default)
  if (theirsRequired) say('mandatory', oursRequired, true)
  if (theirs.minimum !== undefined) say('least', ours.minimum, theirs.minimum)
  if (theirs.maximum !== undefined) say('most', ours.maximum, theirs.maximum)
  return lines.join('\n')
}

function isReference(at: string): boolean {
  return /Ref[.]kind$|Refs\[\][.]kind$/.test(at)
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** The fields of an object, those of its alternatives put together: Kuma has one object with `type` and a block for each. */
function merged(schema: Schema): { readonly properties: Readonly<Record<string, Schema>> } {
  const alternatives = schema.oneOf ?? []
  if (alternatives.length === 0) return { properties: schema.properties ?? {} }
  const tags = alternatives.map(it => it.properties?.type?.const)
  const properties = Object.assign({}, ...alternatives.map(it => it.properties)) as Record<string, Schema>
  return { properties: { ...properties, type: { type: 'string', enum: tags } } }
}

/** A block that one alternative needs is optional beside the others. */
function isRequired(schema: Schema, field: string): boolean {
  const alternatives = schema.oneOf ?? [schema]
  return alternatives.every(it => it.required?.includes(field) === true)
}

function typeOf(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] || schema.anyOf !== undefined)
    return schema.anyOf?.every(it => it.const !== undefined) ? 'integer' : 'int-or-string'
  if (schema.oneOf !== undefined) return 'object'
  return schema.type ?? (schema.const === undefined ? 'any' : typeof schema.const)
}

function valuesOf(schema: Schema): readonly string[] | undefined {
  const values =
    schema.enum ??
    (schema.const !== undefined
      ? [schema.const]
      : schema.anyOf?.every(it => it.const !== undefined)
        ? schema.anyOf.map(it => it.const)
        : undefined)
  return values?.map(String).toSorted()
}
