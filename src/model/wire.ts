import { nearest } from '../std/did-you-mean.ts'
import { checkSchema, unknownField } from './check-schema.ts'
import { isObject } from './is-object.ts'
import { type Keywords, setMember } from './keywords.ts'
import type { KindDefinition, Violation } from './kind.ts'
import { kindByName, kinds } from './kinds/index.ts'
import { portName } from './kinds/mesh-service.ts'
import { kriOf } from './kri.ts'
import { withJsonNames } from './proto-names.ts'
import type { Resource, ResourceDraft } from './resource.ts'
import { sniOf } from './sni.ts'
import { checkSpec, specPath, validateLabels, validateMesh, validateName } from './validate.ts'

/** A resource as Kuma's REST API shows it: JSON, ready to print. */
export type WireResource = Record<string, unknown> & { readonly type: string; readonly name: string; readonly mesh?: string }

export function toWire(resource: Resource): WireResource {
  const kind = kindByName(resource.kind)
  if (kind === undefined) throw new TypeError(`${resource.kind} is not a kind: the registry holds only kinds of the table`)
  const envelope = {
    type: resource.kind,
    ...(kind.scope === 'mesh' ? { mesh: resource.mesh } : {}),
    name: resource.name,
    creationTime: resource.creationTime,
    modificationTime: resource.modificationTime,
    ...(Object.keys(resource.labels).length > 0 ? { labels: resource.labels } : {}),
    ...(kind.hasKri ? { kri: kriOf(resource) } : {}),
  }
  if (kind.shape === 'flat') return { ...envelope, ...(resource.spec as object) }
  const ports = kind.ports?.(resource.spec as never) ?? []
  return {
    ...envelope,
    ...(ports.length > 0 ? { snis: ports.map(port => ({ port: port.port, sni: sniOf(resource, portName(port)) })) } : {}),
    spec: resource.spec,
    ...(kind.status !== undefined ? { status: { ...(kind.emptyStatus as object), ...(resource.status as object) } } : {}),
  }
}

export type FromWire =
  | { readonly kind: 'ok'; readonly draft: ResourceDraft; readonly definition: KindDefinition }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }

export interface FromWireOptions {
  /** true: a user wrote it. Unknown fields are refused, names and labels follow the rules, and a status is not taken (control planes write it).
   *  false: a store or a peer wrote it, perhaps a newer one. Unknown fields are dropped, only what is needed to read the rest must hold, names are
   *  taken as they are, and its status is kept. */
  readonly strict: boolean
}

/** What the control plane adds to an answer: welcome in what is sent back, and not read. */
const computedFields = ['creationTime', 'modificationTime', 'kri', 'snis'] as const
const envelopeFields = ['type', 'mesh', 'name', 'labels'] as const
const aroundSpec: ReadonlySet<string> = new Set([...envelopeFields, ...computedFields])

/** Reads a resource in either of Kuma's two wire shapes. Collects all that is wrong. */
export function fromWire(json: unknown, { strict }: FromWireOptions): FromWire {
  if (!isObject(json)) return invalid([{ field: '', reason: 'must be an object with type, name and the fields of its type' }])
  const type = json.type
  const kind = typeof type === 'string' ? kindByName(type) : undefined
  if (kind === undefined) return invalid([{ field: 'type', reason: kindReason(json) }])

  const { labels, violations: wrongLabels } = readLabels(json.labels)
  const name = readText(json, 'name')
  const mesh = ownsMesh(kind) ? { value: '', violations: [] } : readText(json, 'mesh')
  const { spec, status } = split(kind, json)
  const checked = checkSpec(kind, spec, strict ? 'refuse' : 'drop', labels)
  const checkedStatus = strict || kind.status === undefined ? null : checkSchema(kind.status, status ?? {}, 'status', 'drop')

  const violations = [
    ...name.violations,
    ...mesh.violations,
    ...(strict && name.violations.length === 0 ? validateName(kind, name.value) : []),
    ...(mesh.violations.length === 0 ? validateMesh(kind, mesh.value) : []),
    ...wrongLabels,
    ...(strict ? validateLabels(labels) : []),
    ...(strict ? unknownEnvelope(kind, json) : []),
    ...checked.violations,
    ...(checkedStatus?.violations ?? []),
  ]
  if (violations.length > 0) return invalid(violations)
  const hasStatus = checkedStatus !== null && status !== undefined
  const draft: ResourceDraft = {
    kind: kind.kind,
    mesh: mesh.value,
    name: name.value,
    labels,
    spec: checked.spec,
    ...(hasStatus ? { status: checkedStatus.value } : {}),
  }
  return { kind: 'ok', draft, definition: kind }
}

function invalid(violations: readonly Violation[]): FromWire {
  return { kind: 'invalid', violations }
}

function kindReason(json: Readonly<Record<string, unknown>>): string {
  if (json.apiVersion !== undefined && json.metadata !== undefined) {
    return 'must be set: this is the Kubernetes form; write type, mesh, name and labels at the top instead of apiVersion, kind and metadata'
  }
  const type = json.type ?? undefined
  if (type === undefined) return 'must be set'
  if (typeof type !== 'string') return 'must be a string'
  const [best] = nearest(
    type,
    kinds.map(kind => kind.kind),
  )
  return `unknown type ${JSON.stringify(type)}; ${best === undefined ? `there are ${kinds.map(kind => kind.kind).join(', ')}` : `did you mean "${best}"?`}`
}

function readText(json: Readonly<Record<string, unknown>>, field: 'name' | 'mesh'): { value: string; violations: Violation[] } {
  const value = json[field] ?? ''
  if (typeof value === 'string') return { value, violations: [] }
  return { value: '', violations: [{ field, reason: 'must be a string: put it in quotes' }] }
}

function readLabels(value: unknown): { labels: Record<string, string>; violations: Violation[] } {
  if (value === undefined || value === null) return { labels: {}, violations: [] }
  if (!isObject(value)) return { labels: {}, violations: [{ field: 'labels', reason: 'must be an object' }] }
  const labels: [string, string][] = []
  const violations: Violation[] = []
  for (const [label, text] of Object.entries(value)) {
    if (typeof text === 'string') labels.push([label, text])
    else violations.push({ field: `labels[${JSON.stringify(label)}]`, reason: 'must be a string: put it in quotes' })
  }
  return { labels: Object.fromEntries(labels), violations }
}

/** Parts the spec from what stands around it. */
function split(kind: KindDefinition, json: Readonly<Record<string, unknown>>): { spec: unknown; status: unknown } {
  if (kind.shape === 'spec') return { spec: json.spec ?? {}, status: json.status ?? undefined }
  const spec: Record<string, unknown> = {}
  for (const field of Object.keys(json)) {
    if (!aroundSpec.has(field) || (field === 'mesh' && ownsMesh(kind))) setMember(spec, field, json[field])
  }
  return { spec: withJsonNames(kind.spec as Keywords, spec), status: undefined }
}

/** Is `mesh` a field of the spec? A flat kind of no mesh may say for which mesh it is. */
export function ownsMesh(kind: KindDefinition): boolean {
  return (
    kind.shape === 'flat' &&
    kind.scope === 'global' &&
    Object.hasOwn((kind.spec as { readonly properties?: object }).properties ?? {}, 'mesh')
  )
}

function unknownEnvelope(kind: KindDefinition, json: Readonly<Record<string, unknown>>): Violation[] {
  // In the flat shape what is not of the envelope is of the spec, which refuses it itself.
  if (specPath(kind) === '') return []
  const known: readonly string[] = [...envelopeFields, ...computedFields, 'spec', 'status']
  const ofSpec = (kind.spec as { readonly properties?: object }).properties ?? {}
  return Object.keys(json)
    .filter(field => !known.includes(field))
    .map(field => ({ field, reason: Object.hasOwn(ofSpec, field) ? 'unknown field: it belongs under spec' : unknownField(field, known) }))
}
