/** What every projection of an object keeps. */
export interface ObjectFacts {
  readonly uid: string
  /** `namespace/name`, `/name` without a namespace. */
  readonly key: string
}

/** An object as the API server writes it, of which nothing is taken for granted. */
export interface RawObject {
  readonly metadata?: {
    readonly uid?: string
    readonly name?: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
    readonly generation?: number
    readonly ownerReferences?: readonly { readonly kind?: string; readonly name?: string }[]
  }
}

/** @throws TypeError for what is no object of a cluster */
export function factsOf({ metadata }: RawObject): ObjectFacts & { readonly namespace: string; readonly name: string } {
  const { uid, name, namespace = '' } = metadata ?? {}
  if (typeof uid !== 'string' || uid === '' || typeof name !== 'string' || name === '') throw new TypeError('it has no uid or no name')
  return { uid, key: `${namespace}/${name}`, namespace, name }
}

/**
 * Versions are to be compared for equality alone; the one question that may be asked besides is whether one went back, which the numbers of
 * etcd tell. What are no numbers are never older.
 */
export function isOlder(version: string, than: string): boolean {
  if (!/^[0-9]+$/.test(version) || !/^[0-9]+$/.test(than)) return false
  return version.length === than.length ? version < than : version.length < than.length
}
