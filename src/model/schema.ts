import Type, { type Static, type TEnum, type TProperties, type TSchema, type TSchemaOptions } from 'typebox'

/** An object that refuses what it does not know. */
export const closed = <P extends TProperties>(properties: P, options: TSchemaOptions = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false })

export const oneOf = <V extends string[]>(...values: V): TEnum<V> => Type.Enum<V>(values)

/** The same schema with a description for users. (TypeBox marks what is optional with hidden members: they must be kept.) */
export function described<S extends TSchema>(schema: S, description: string): S {
  return withKeyword(schema, 'description', description)
}

/** The same schema with a value that is filled in where a user wrote none. */
export function defaulting<S extends TSchema>(schema: S, value: Static<S>): S {
  return withKeyword(schema, 'default', value)
}

function withKeyword<S extends TSchema>(schema: S, keyword: string, value: unknown): S {
  const own = Object.getOwnPropertyDescriptors(schema)
  return Object.defineProperties({}, { ...own, [keyword]: { value, enumerable: true, writable: true, configurable: true } }) as S
}

export const portNumber = Type.Integer({ minimum: 1, maximum: 65535, otherwise: 'port must be a valid (1-65535)' })

export const nonEmpty = Type.String({ minLength: 1 })

/** What may become a segment of an SNI or a KRI: names of ports and inbounds. */
export const dnsLabel = Type.String({
  pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$',
  mustBe: 'a DNS label: lower case letters, digits and "-", beginning and ending with a letter or digit, at most 63 characters',
})

/** A header's name, as HTTP/2 wants it. */
export const headerName = Type.String({
  minLength: 1,
  maxLength: 256,
  pattern: "^[a-z0-9!#$%&'*+.^_`|~-]+$",
  mustBe: 'a header name in lower case',
})

/** Text that ends up in a header or a request line: a control character there would begin another one. */
export const headerText = Type.String({
  pattern: '^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$',
  mustBe: 'a text without line breaks and control characters',
})

export const hostName = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
  mustBe: 'a host name in lower case',
})

/** `*.example.com` stands for all hosts below it, `*` for all. */
export const hostPattern = Type.String({
  pattern: '^([*]|([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$',
  mustBe: 'a host name like example.com, *.example.com or *',
})

/** Label names and values; `{}` and absent are different things in selectors. */
export const labelMap = Type.Record(Type.String(), Type.String())

export const matchLabels = closed({ matchLabels: Type.Optional(labelMap) })

/** An application protocol. Absent means `tcp`. */
export const protocol = oneOf('tcp', 'http', 'http2', 'grpc', 'tls')
export type Protocol = Static<typeof protocol>

/** Does traffic of this protocol get an HTTP connection manager (routes, retries, headers)? */
export function isHttp(value: Protocol | undefined): boolean {
  return value === 'http' || value === 'http2' || value === 'grpc'
}

/** An integer, or a decimal or percentage in a string: Kuma's IntOrString. */
export const intOrString = Type.Union([
  Type.Integer(),
  Type.String({
    pattern: '^-?[0-9]+([.][0-9]+)?%?$',
    mustBe: 'a number like 50, "12.5" or "70%"',
    otherwise: 'string must be a valid number; write it like 50, "12.5" or "70%"',
  }),
])
export type IntOrString = Static<typeof intOrString>

export function numberOf(value: IntOrString): number {
  return typeof value === 'number' ? value : Number.parseFloat(value)
}

const keptElsewhere = [
  closed({ type: Type.Literal('File'), file: closed({ path: nonEmpty }) }),
  closed({ type: Type.Literal('Secret'), secretRef: closed({ kind: Type.Literal('Secret'), name: nonEmpty }) }),
  closed({ type: Type.Literal('EnvVar'), envVar: closed({ name: nonEmpty }) }),
] as const

/** Where something secret is read from that must not stand in the resource itself. */
export const secretReference = Type.Union([...keptElsewhere])
export type SecretReference = Static<typeof secretReference>

/** Where key material and the like is read from. */
export const secureDataSource = Type.Union([
  ...keptElsewhere,
  closed({ type: Type.Literal('InsecureInline'), insecureInline: closed({ value: nonEmpty }) }),
])
export type SecureDataSource = Static<typeof secureDataSource>

/** A condition in a status, as Kubernetes writes them. */
export const condition = closed({
  type: Type.String(),
  status: oneOf('True', 'False', 'Unknown'),
  reason: Type.String(),
  message: Type.Optional(Type.String()),
})

/** What a MeshService and a MeshMultiZoneService say about their names and addresses. */
export const serviceAddress = closed({
  hostname: Type.String(),
  origin: Type.Optional(Type.String()),
  hostnameGeneratorRef: Type.Optional(closed({ coreName: Type.String() })),
})
export const hostnameGeneratorStatus = closed({
  hostnameGeneratorRef: closed({ coreName: Type.String() }),
  conditions: Type.Optional(Type.Array(condition)),
})
