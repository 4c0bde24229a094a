import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type Any, AnySchema, BytesValueSchema } from '@bufbuild/protobuf/wkt'
import { KumaResource_MetaSchema, KumaResourceSchema } from '../gen/kuma/mesh/v1alpha1/kds_pb.js'
import type { ResourceDraft } from '../model/resource.ts'

/** Type of the bytes inside an xDS Resource. The type URL of requests and responses is the bare kind, as in Kuma. */
export const resourceTypeUrl = 'type.googleapis.com/kuma.mesh.v1alpha1.KumaResource'

const bytesTypeUrl = 'type.googleapis.com/google.protobuf.BytesValue'

/** The bytes of a resource on the wire: the same for the same content on every machine, so that their hash can be its version. */
export function encodeResource(resource: ResourceDraft): Uint8Array {
  const { name, mesh, labels, spec, status } = resource
  const message = create(KumaResourceSchema, {
    meta: create(KumaResource_MetaSchema, { name, mesh, labels: sortedLabels(labels) }),
    spec: asAny(spec),
    status: status === undefined ? undefined : asAny(status),
  })
  return toBinary(KumaResourceSchema, message)
}

export type DecodedResource =
  | { readonly kind: 'ok'; readonly resource: ResourceDraft }
  | { readonly kind: 'malformed'; readonly reason: string }

export function decodeResource(kind: string, bytes: Uint8Array): DecodedResource {
  try {
    const message = fromBinary(KumaResourceSchema, bytes)
    if (!message.meta?.name) return { kind: 'malformed', reason: 'a resource must have meta.name' }
    const { name, mesh } = message.meta
    if (/[/\s]/.test(name + mesh)) return { kind: 'malformed', reason: 'names must have no slash and no blank' }
    const labels = sortedLabels(message.meta.labels)
    const spec = fromAny(message.spec)
    const status = message.status ? fromAny(message.status) : undefined
    return { kind: 'ok', resource: status === undefined ? { kind, mesh, name, labels, spec } : { kind, mesh, name, labels, spec, status } }
  } catch (error) {
    return { kind: 'malformed', reason: `not a KumaResource with JSON inside: ${(error as Error).message}` }
  }
}

/** `<name>.<mesh>`, as in Kuma; kinds of global scope end in the dot. */
export function wireName(resource: { readonly name: string; readonly mesh: string }): string {
  return `${resource.name}.${resource.mesh}`
}

/** A mesh's name holds no dot, a resource's may. */
export function parseWireName(text: string): { name: string; mesh: string } {
  const dot = text.lastIndexOf('.')
  return dot < 0 ? { name: text, mesh: '' } : { name: text.slice(0, dot), mesh: text.slice(dot + 1) }
}

/** JSON with sorted keys and nothing undefined: equal content, equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value ?? {}, (_key, inner: unknown) =>
    isPlain(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Kuma sends its newer kinds as JSON in a BytesValue; so do we with every kind. */
function asAny(value: unknown): Any {
  const json = new TextEncoder().encode(canonicalJson(value))
  return create(AnySchema, { typeUrl: bytesTypeUrl, value: toBinary(BytesValueSchema, create(BytesValueSchema, { value: json })) })
}

function fromAny(any: Any | undefined): unknown {
  if (!any) return {}
  if (any.typeUrl !== bytesTypeUrl) throw new Error(`${any.typeUrl || 'an empty type'} where ${bytesTypeUrl} should be`)
  const json = fromBinary(BytesValueSchema, any.value).value
  return json.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json), withoutNull)
}

/** A null member means the same as none, and no reader of a resource expects one. */
function withoutNull(this: unknown, _key: string, value: unknown): unknown {
  return value === null && isPlain(this) ? undefined : value
}

/** Protobuf writes a map in the order of its keys here. */
function sortedLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
