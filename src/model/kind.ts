import type { Static, TSchema } from 'typebox'
import type { Resource } from './resource.ts'

/** One thing wrong with what a user wrote. `field` is Kuma's path form: `spec.to[0].targetRef.kind`, `labels["a/b"]`. */
export interface Violation {
  readonly field: string
  readonly reason: string
}

/** Who provides a kind across zones: `global` = written at global and owed to every zone; `zone` = written in a zone and owed to
 *  global; `forwarded` = a zone's, owed to global and by global to every other zone; `both` = global's go down, a zone's go up (and stop
 *  there); `none` = never leaves the control plane it was made on. */
export type SyncDirection = 'global' | 'zone' | 'forwarded' | 'both' | 'none'

export interface KindDefinition<S extends TSchema = TSchema, T extends TSchema = TSchema> {
  /** The `type` in YAML, e.g. `MeshService`. */
  readonly kind: string
  /** The short name in a KRI, e.g. `msvc`. */
  readonly short: string
  /** The segment in REST paths and the CLI's plural, e.g. `meshservices`. */
  readonly path: string
  readonly scope: 'mesh' | 'global'
  /** `flat`: spec's fields beside the envelope (Mesh, Zone, Dataplane, insights). `spec`: under `spec` and `status`. */
  readonly shape: 'flat' | 'spec'
  readonly sync: SyncDirection
  /** `rfc1035`: a DNS label of at most 63 characters; `rfc1123`: a DNS subdomain of at most 253. */
  readonly naming: 'rfc1035' | 'rfc1123'
  readonly spec: S
  readonly status?: T
  /** Rules that a schema cannot say. Paths are relative to the spec (no `spec.` prefix); the caller adds what its shape needs. */
  readonly check?: (spec: Static<S>) => readonly Violation[]
  /** Nobody writes it through the API (insights). */
  readonly readOnly?: boolean
  /** Never shown by the API nor synced: private keys. */
  readonly secret?: boolean
  /** Set for policies: where `targetRef` may stand. */
  readonly policy?: { readonly order: number; readonly to: boolean; readonly rules: boolean }
  /** Extra columns of `skerry get`, beside NAME and AGE. */
  readonly columns?: readonly { readonly title: string; readonly value: (resource: Resource<Static<S>, Static<T>>) => string }[]
}

/** Declares a kind once: API path, CLI noun, sync direction, validation and documentation follow from it. */
export function defineKind<S extends TSchema, T extends TSchema = TSchema>(definition: KindDefinition<S, T>): KindDefinition<S, T> {
  return Object.freeze(definition)
}

/** The resource type of a kind: `ResourceOf<typeof MeshService>`. */
export type ResourceOf<K> = K extends KindDefinition<infer S, infer T> ? Resource<Static<S>, Static<T>> : never
