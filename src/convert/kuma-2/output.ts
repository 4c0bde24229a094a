import { isDeepStrictEqual } from 'node:util'
import type { KindDefinition, Violation } from '../../model/kind.ts'
import { kindByName } from '../../model/kinds/index.ts'
import { specPath } from '../../model/validate.ts'
import { fromWire } from '../../model/wire.ts'
import type { Field } from '../field.ts'
import { dnsLabel, dnsSubdomain } from './service-name.ts'
import type { Source } from './source.ts'

/** A resource of Skerry, as it is to be applied. */
export interface ImportedResource {
  /** Which control plane takes it, where there are several; a single zone takes everything. */
  readonly on: 'global' | 'zone'
  /** Of what a zone takes: which, as far as it is known. */
  readonly zone?: string
  readonly from: { readonly type: string; readonly mesh: string; readonly name: string }
  /** Set where it says what was a default in Kuma 2, or what Kuma 2 did by itself. */
  readonly because?: string
  /** Flat or with `spec`, as its kind is written. */
  readonly body: Readonly<Record<string, unknown>> & { readonly type: string; readonly name: string }
}

export interface Draft {
  readonly kind: string
  /** Absent = the source's. */
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly spec: object
  /** Absent = the source's. */
  readonly zone?: string
  readonly because?: string
  /** What is dropped when this cannot be written; absent = the whole source. */
  readonly field?: Field
}

/** Collects what is made, and lets out only what Skerry's own validation takes. */
export class Output {
  readonly #resources = new Map<string, ImportedResource>()
  readonly #made = new WeakMap<object, Field>()

  /** Remembers from which field an item of a list (`to`, `rules`) was made: if it turns out to be invalid, that field is dropped alone. */
  item<T>(value: T, field: Field): T {
    if (typeof value === 'object' && value !== null) this.#made.set(value, field)
    return value
  }

  add(source: Source, draft: Draft): void {
    const kind = kindByName(draft.kind)!
    const givenName = draft.name ?? source.name
    const name = kind.naming === 'rfc1035' ? dnsLabel(givenName) : dnsSubdomain(givenName)
    if (name !== source.name && draft.name === undefined)
      (source.root.member('name') ?? source.root.at('metadata', 'name'))?.approximate(`named ${name}: a ${kind.kind} has a name in DNS`)
    const zone = draft.zone ?? source.zone
    const isOfZone = kind.sync === 'zone' || kind.sync === 'forwarded' || (kind.secret === true && kind.scope === 'mesh')
    const resource: Omit<ImportedResource, 'body'> = {
      on: isOfZone ? 'zone' : 'global',
      ...(isOfZone && zone !== undefined ? { zone } : {}),
      from: { type: source.type, mesh: source.mesh, name: source.name },
      ...(draft.because === undefined ? {} : { because: draft.because }),
    }
    const labels = draft.labels ?? source.labels
    const body = this.#valid(kind, bodyOf(kind, source.mesh, name, labels, draft.spec), draft.field ?? source.root)
    if (body !== null) this.#keep({ ...resource, body })
  }

  /** In the order in which they came; no two of one name on one control plane. */
  resources(): readonly ImportedResource[] {
    return [...this.#resources.values()]
  }

  #keep(resource: ImportedResource): void {
    const { type, mesh, name } = resource.body
    const key = [type, mesh, name, resource.zone].join('/')
    const before = this.#resources.get(key)
    if (before === undefined) this.#resources.set(key, resource)
    else if (!isDeepStrictEqual(before.body, resource.body)) this.#keep({ ...resource, body: { ...resource.body, name: nextName(name) } })
  }

  /** The body without those items that are invalid; null when what is left of it is. */
  #valid(kind: KindDefinition, body: ImportedResource['body'], field: Field): ImportedResource['body'] | null {
    const read = fromWire(body, { strict: true })
    if (read.kind === 'ok') return body
    const reasonOf = ({ field, reason }: Violation) => `${kind.kind} ${[field, reason].filter(Boolean).join(': ')}`
    const bad = read.violations.map(violation => ({ violation, place: itemAt(body, violation.field) }))
    const removable = bad.flatMap(({ violation, place }) => {
      const from = place === undefined ? undefined : this.#made.get(place.item)
      return place === undefined || from === undefined ? [] : [{ violation, place, from }]
    })
    if (removable.length === 0) {
      field.drop(read.violations.map(reasonOf).join('; '))
      return null
    }
    for (const { violation, from } of removable) from.drop(reasonOf(violation))
    const gone = new Set(removable.map(({ place }) => place.item))
    const spec = body[specPath(kind)] as Readonly<Record<string, unknown>>
    const left = Object.entries(spec).map(([name, list]) => [name, Array.isArray(list) ? list.filter(item => !gone.has(item)) : list])
    const kept = left.filter(([, list]) => !Array.isArray(list) || list.length > 0)
    return this.#valid(kind, { ...body, spec: Object.fromEntries(kept) }, field)
  }
}

function bodyOf(
  kind: KindDefinition,
  mesh: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  spec: object,
): ImportedResource['body'] {
  return {
    type: kind.kind,
    ...(kind.scope === 'mesh' ? { mesh } : {}),
    name,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(kind.shape === 'flat' ? spec : { spec }),
  }
}

/** The item of `spec.to` or `spec.rules` that a violation is within. */
function itemAt(body: ImportedResource['body'], field: string): { readonly item: object } | undefined {
  const [, list, index] = /^spec\.(to|rules)\[(\d+)\]/.exec(field) ?? []
  if (list === undefined) return undefined
  const item: unknown = (body.spec as Readonly<Record<string, readonly unknown[]>>)[list]?.[Number(index)]
  return typeof item === 'object' && item !== null ? { item } : undefined
}

/** `web` → `web-2` → `web-3`. */
function nextName(name: string): string {
  const [, stem = name, number = '1'] = /^(.*?)(?:-(\d+))?$/.exec(name) ?? []
  const suffix = `-${Number(number) + 1}`
  return `${stem.slice(0, 63 - suffix.length)}${suffix}`
}
