import type { Type } from '../../sdk/cty/type.ts'
import type { AttributeSchema, BlockSchema, NestedBlockSchema, NestingMode, Schema } from '../provider-schema.ts'

/**
 * A schema out of the TypeScript source of a generated binding (CDK for Terraform). What it says of each attribute – type, required,
 * optional, computed, block or not, one or many – is what the provider says. It lacks `write_only`, for which the suffix `_wo` stands,
 * and how many blocks at most where more than one may be.
 */
export function readBinding(source: string, options: { readonly blocksAreAttributes?: boolean } = {}): Schema {
  const binding = new Binding(source, options.blocksAreAttributes ?? false)
  const root = /\nexport class (\w+) extends cdkt[fn]\.Terraform(?:Resource|DataSource|Provider) \{/.exec(source)?.[1]
  if (root === undefined) throw new Error('no resource, data source or provider in this binding')
  const arguments_ = readArguments(/synthesizeHclAttributes\(\)[^{]*\{([\s\S]*?)\n {2}\}/.exec(binding.classBody(root))?.[1] ?? '')
  return { version: 0, block: binding.block(root, arguments_) }
}

/** An argument as a binding turns it into HCL. */
interface Argument {
  readonly value: string
  readonly isBlock: boolean
  readonly collection: string
  readonly storageClass: string
}

type Flags = Pick<AttributeSchema, 'required' | 'optional' | 'computed'>

/** What a class has a getter for: a plain type, or other classes of the same file. */
type Output =
  | { readonly kind: 'plain'; readonly type: Type }
  | { readonly kind: 'nested'; readonly base: string; readonly nesting: NestingMode }

const primitives: Readonly<Record<string, Type>> = { string: 'string', number: 'number', boolean: 'bool', any: 'dynamic' }

class Binding {
  readonly #source: string
  readonly #blocksAreAttributes: boolean

  constructor(source: string, blocksAreAttributes: boolean) {
    this.#source = source
    this.#blocksAreAttributes = blocksAreAttributes
  }

  classBody(name: string): string {
    return new RegExp(`\\nexport class ${name} extends [\\w.]+ \\{([\\s\\S]*?)\\n\\}`).exec(this.#source)?.[1] ?? ''
  }

  block(className: string, arguments_: ReadonlyMap<string, Argument>): BlockSchema {
    const attributes: Record<string, AttributeSchema> = {}
    const blocks: Record<string, NestedBlockSchema> = {}
    const flags = readFlags(this.classBody(className))
    for (const [name, argument] of arguments_) {
      const own = flags.get(name) ?? { optional: true }
      const type = plainType(argument)
      if (type !== undefined) attributes[name] = { type, ...own, ...(isWriteOnly(name) ? { sensitive: true, write_only: true } : {}) }
      else if (argument.isBlock && !this.#blocksAreAttributes) blocks[name] = this.#nestedBlock(argument, own)
      else attributes[name] = { nested_type: this.#nestedType(argument), ...own }
    }
    for (const [name, output] of this.#outputs(className))
      if (!arguments_.has(name)) attributes[name] = { type: this.#typeOf(output), computed: true }
    return { attributes: sorted(attributes), ...(Object.keys(blocks).length > 0 ? { block_types: sorted(blocks) } : {}) }
  }

  #nestedBlock(argument: Argument, { required }: Flags): NestedBlockSchema {
    const nesting = nestingOf(argument)
    return {
      nesting_mode: nesting,
      block: this.#inner(argument),
      ...(required ? { min_items: 1 } : {}),
      ...(argument.value.includes('Mapper') || nesting === 'single' ? {} : { max_items: 1 }),
    }
  }

  #nestedType(argument: Argument): NonNullable<AttributeSchema['nested_type']> {
    return { nesting_mode: nestingOf(argument), attributes: this.#inner(argument).attributes ?? {} }
  }

  #inner({ storageClass }: Argument): BlockSchema {
    const base = storageClass.replace(/(List|Map)$/, '')
    const name = base[0]!.toLowerCase() + base.slice(1)
    const body = new RegExp(`\\nexport function ${name}ToHclTerraform\\([^)]*\\)[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(this.#source)?.[1] ?? ''
    return this.block(`${base}OutputReference`, readArguments(body))
  }

  #outputs(className: string): ReadonlyMap<string, Output> {
    const body = this.classBody(className)
    const outputs = new Map<string, Output>()
    for (const [, set, getter, name] of body.matchAll(/return (cdkt[fn]\.Fn\.tolist\()?this\.get(\w+)Attribute\('(\w+)'\)/g))
      outputs.set(name!, { kind: 'plain', type: getterType(getter!, set !== undefined) })
    for (const [, className, name, isSet] of body.matchAll(/private _\w+ = new (?:\w+\.)?(\w+)\(this, "(\w+)"(?:, (\w+))?\)/g)) {
      const many = /(List|Map)$/.exec(className!)?.[1]
      const nesting = many === 'Map' ? 'map' : many === 'List' ? (isSet === 'true' ? 'set' : 'list') : 'single'
      outputs.set(name!, { kind: 'nested', base: className!.replace(/(List|Map|OutputReference)$/, ''), nesting })
    }
    return outputs
  }

  #typeOf(output: Output): Type {
    if (output.kind === 'plain') return output.type
    const attributes = [...this.#outputs(`${output.base}OutputReference`)].map(([name, inner]) => [name, this.#typeOf(inner)] as const)
    // A single computed object is a list of one: what the older plugin framework knows.
    return [output.nesting === 'single' ? 'list' : output.nesting, ['object', Object.fromEntries(attributes)]]
  }
}

function readArguments(text: string): Map<string, Argument> {
  const pattern = /\n\s+(\w+): \{\s*value: ([^\n]+),\s*isBlock: (\w+),\s*type: "(\w+)",\s*storageClassType: "(\w+)",?\s*\}/g
  return new Map(
    [...text.matchAll(pattern)].map(([, name, value, isBlock, collection, storageClass]) => [
      name!,
      { value: value!, isBlock: isBlock === 'true', collection: collection!, storageClass: storageClass! },
    ]),
  )
}

/** From the comment above each attribute: `// arn - computed: true, optional: false, required: false`. */
function readFlags(classBody: string): Map<string, Flags> {
  const pattern = /\n\s+\/\/ (\w+) - computed: (\w+), optional: (\w+), required: (\w+)/g
  return new Map(
    [...classBody.matchAll(pattern)].map(([, name, computed, optional, required]) => [
      name!,
      {
        ...(required === 'true' ? { required: true as const } : {}),
        ...(optional === 'true' ? { optional: true as const } : {}),
        ...(computed === 'true' ? { computed: true as const } : {}),
      },
    ]),
  )
}

/** undefined: it is made of other classes. */
function plainType({ storageClass, collection }: Argument): Type | undefined {
  const [, base, first, second] = /^(string|number|boolean|any)(List|Map)?(List)?$/.exec(storageClass) ?? []
  if (base === undefined) return undefined
  const type = primitives[base]!
  if (first === undefined) return type
  if (first === 'Map') return ['map', second ? ['list', type] : type]
  return [collection === 'set' ? 'set' : 'list', second ? ['list', type] : type]
}

function getterType(getter: string, isSet: boolean): Type {
  const element = /^Number/.test(getter) ? 'number' : /^Boolean/.test(getter) ? 'bool' : 'string'
  if (getter === 'String' || getter === 'Number' || getter === 'Boolean') return element
  return [getter.endsWith('Map') ? 'map' : isSet ? 'set' : 'list', element]
}

function nestingOf({ collection }: Argument): NestingMode {
  return collection === 'struct' ? 'single' : (collection as NestingMode)
}

function isWriteOnly(name: string): boolean {
  return name.endsWith('_wo') && !name.startsWith('has_')
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
