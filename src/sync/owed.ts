import type { KindDefinition } from '../model/kind.ts'
import { kindByName } from '../model/kinds/index.ts'
import { formatKey, type Resource, type ResourceDraft } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
import { type EncodedResource, encodeResource as encodeForXds } from '../xds/resource.ts'
import { encodeResource, resourceTypeUrl, wireName } from './codec.ts'

/** A resource on the wire, encoded once for all who are owed it. */
export interface OwedResource {
  readonly kind: string
  readonly encoded: EncodedResource
  /** The zone that made it: it is owed to everybody but this one. '' = to everybody. */
  readonly from: string
}

export type OwedChange =
  | { readonly kind: 'put'; readonly resource: OwedResource }
  | { readonly kind: 'delete'; readonly previous: OwedResource }

/** Decides what a control plane owes to the other side because of one of its resources (`visibility.ts`). */
export type OwedForm = (resource: Resource, kind: KindDefinition) => { readonly form: ResourceDraft; readonly from: string } | null

/** Everything that a registry owes to its peers, kept true change by change: what is not touched is neither decided nor encoded again. */
export class OwedResources {
  readonly #form: OwedForm
  readonly #owed = new Map<string, OwedResource>()

  constructor(form: OwedForm, resources: Iterable<Resource>) {
    this.#form = form
    for (const resource of resources) this.update(resource)
  }

  values(): IterableIterator<OwedResource> {
    return this.#owed.values()
  }

  apply(batch: ChangeBatch): OwedChange[] {
    return batch.changes.flatMap(change => {
      if (change.kind === 'put') return this.update(change.resource)
      return this.#replace(formatKey(keyOfChange(change)), undefined)
    })
  }

  /** Decides again about one resource, after it changed or after what decides about it did. */
  update(resource: Resource): OwedChange[] {
    const kind = kindByName(resource.kind)
    const owed = kind ? this.#form(resource, kind) : null
    return this.#replace(
      formatKey(resource),
      owed ? { kind: resource.kind, encoded: encodeForWire(owed.form), from: owed.from } : undefined,
    )
  }

  #replace(key: string, next: OwedResource | undefined): OwedChange[] {
    const previous = this.#owed.get(key)
    if (next) this.#owed.set(key, next)
    else this.#owed.delete(key)
    const inPlace = previous && next && previous.encoded.name === next.encoded.name && previous.from === next.from
    if (inPlace && previous.encoded.version === next.encoded.version) return []
    const gone: OwedChange[] = previous && !inPlace ? [{ kind: 'delete', previous }] : []
    return next ? [...gone, { kind: 'put', resource: next }] : gone
  }
}

/** A resource as both ends number it: the version is a digest of the content, so whoever holds the content can say its version. */
export function encodeForWire(resource: ResourceDraft): EncodedResource {
  return encodeForXds(resourceTypeUrl, wireName(resource), encodeResource(resource))
}
