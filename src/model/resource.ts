/** A counter of the registry: every committed change has a higher one than the change before it. 0 = before anything. */
export type Revision = number

/** What names a resource inside one registry. `mesh` is '' for kinds of global scope. */
export interface ResourceKey {
  readonly kind: string
  readonly mesh: string
  readonly name: string
}

/**
 * A resource in the registry's one internal form, whatever its wire shape (`model/wire.ts` turns it into Kuma's flat or
 * spec/status shape and back). Immutable: a change is a new object.
 */
export interface Resource<Spec = unknown, Status = unknown> {
  readonly kind: string
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: Spec
  readonly status?: Status
  /** RFC 3339, UTC. */
  readonly creationTime: string
  readonly modificationTime: string
  /** The registry's revision at which this value was committed; also its ETag. */
  readonly revision: Revision
}

/** What a writer hands in: the registry adds times and the revision. */
export type ResourceDraft<Spec = unknown, Status = unknown> = Omit<Resource<Spec, Status>, 'creationTime' | 'modificationTime' | 'revision'>

/** One line that is unique for a key, for maps: kinds, meshes and names hold no slash. */
export function formatKey(key: ResourceKey): string {
  return `${key.kind}/${key.mesh}/${key.name}`
}

export function parseKey(text: string): ResourceKey {
  const [kind = '', mesh = '', name = ''] = text.split('/')
  return { kind, mesh, name }
}

export function keyOf(resource: ResourceKey): ResourceKey {
  return { kind: resource.kind, mesh: resource.mesh, name: resource.name }
}
