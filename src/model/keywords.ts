/** What is read of a JSON Schema: the keywords that our kinds use. */
export interface Keywords {
  readonly type?: string
  readonly enum?: readonly (string | number)[]
  readonly const?: string | number | boolean
  readonly anyOf?: readonly Keywords[]
  readonly properties?: Readonly<Record<string, Keywords>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean
  readonly patternProperties?: Readonly<Record<string, Keywords>>
  readonly items?: Keywords
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly format?: string
  /** Ours: completes the sentence "must be …". */
  readonly mustBe?: string
  /** Ours: the reason for whatever is wrong with it, where Kuma has words of its own; `{value}` stands for what was written. */
  readonly otherwise?: string
  /** Filled in where there is none. */
  readonly default?: unknown
}

/** The members of an object's schema as they are looked up, of every value anew. */
interface Members {
  readonly known: ReadonlyMap<string, Keywords>
  readonly required: readonly (readonly [field: string, schema: Keywords])[]
  /** Of what is filled in where it is missing. */
  readonly defaulted: readonly (readonly [field: string, schema: Keywords])[]
  /** Of every other field; undefined = there is no such rule. */
  readonly others: Keywords | undefined
}

const read = new WeakMap<Keywords, Members>()

/** Schemas never change: each is taken apart once. */
export function membersOf(schema: Keywords): Members {
  let members = read.get(schema)
  if (members === undefined) {
    const known = Object.entries(schema.properties ?? {})
    members = {
      known: new Map(known),
      required: known.filter(([field]) => schema.required?.includes(field)),
      defaulted: known.filter(([, member]) => member.default !== undefined),
      others: schema.patternProperties && Object.values(schema.patternProperties)[0],
    }
    read.set(schema, members)
  }
  return members
}

/** Sets a field whatever it is called: assigned, a field `__proto__` would set the prototype. */
export function setMember(object: Record<string, unknown>, field: string, value: unknown): void {
  if (field === '__proto__') Object.defineProperty(object, field, { value, enumerable: true, configurable: true, writable: true })
  else object[field] = value
}
