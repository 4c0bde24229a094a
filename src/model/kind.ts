import type { Static, TSchema } from 'typebox'
import type { Resource } from './resource.ts'

/** One thing wrong with what a user wrote. `field` is Kuma's path form: `spec.to[0].targetRef.kind`, `labels["a/b"]`. */
export interface Violation {
  readonly field: string
  readonly reason: string
  /** true = the field must not be there at all: nothing that is within it is worth a word. */
  readonly unwanted?: true
}

/** Who provides a kind across zones: `global` = written at global and owed to every zone; `zone` = written in a zone and owed to
 *  global; `forwarded` = a zone's, owed to global and by global to every other zone; `both` = global's go down, a zone's go up (and stop
 *  there); `none` = never leaves the control plane it was made on. */
export type SyncDirection = 'global' | 'zone' | 'forwarded' | 'both' | 'none'

/** A port of a service, as SNIs and KRIs name it. */
export interface NamedPort {
  readonly name?: string
  readonly port: number
}

export interface KindExample<Spec = unknown> {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly spec: Spec
}

export interface PolicyDefinition {
  /** Policies are applied in this order, smaller first. */
  readonly order: number
  /** Has it `to`, for traffic going out? */
  readonly to: boolean
  /** Has it `rules`, for traffic coming in? */
  readonly rules: boolean
  /** Kinds that `targetRef` may name. */
  readonly topKinds: readonly string[]
  /** Kinds that `to[].targetRef` may name; empty without `to`. */
  readonly toKinds: readonly string[]
}

/** What a kind's file declares. */
export interface KindDeclaration<S extends TSchema = TSchema, T extends TSchema = TSchema> {
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
  /** What it is, in a sentence or two: for reference pages and JSON Schema. */
  readonly description: string
  /** For people; absent = the kind's words, `Mesh HTTP Route`. */
  readonly displayName?: string
  readonly spec: S
  readonly status?: T
  /** What is shown as status before a control plane has written one, and of its members that it has not written. */
  readonly emptyStatus?: Static<T>
  /** Rules that a schema cannot say. Paths are relative to the spec (no `spec.` prefix); the caller adds what its shape needs. */
  readonly check?: (spec: Static<S>, labels: Readonly<Record<string, string>>) => readonly Violation[]
  /** Rules for a change of what is there; paths as in `check`. */
  readonly checkChange?: (before: Static<S>, after: Static<S>) => readonly Violation[]
  /** Fills in what follows from other fields, on a spec that a user wrote and that is valid. (A schema's `default` is filled in by itself.) */
  readonly complete?: (spec: Static<S>) => Static<S>
  /** Set for services: the ports that callers reach, each with an SNI. */
  readonly ports?: (spec: Static<S>) => readonly NamedPort[]
  /** Nobody writes it through the API (insights). */
  readonly readOnly?: boolean
  /** Never shown by the API nor synced: private keys. */
  readonly secret?: boolean
  /** May a zone that joins a global control plane bring those that it has? Absent = yes for what global provides. */
  readonly includeInFederation?: boolean
  /** Set for policies: where `targetRef` may stand. */
  readonly policy?: PolicyDefinition
  /** Extra columns of `skerry get`, beside NAME and AGE. */
  readonly columns?: readonly { readonly title: string; readonly value: (resource: Resource<Static<S>, Static<T>>) => string }[]
  /** As a user would write one (in the mesh `default`): shown in reference pages. */
  readonly example: KindExample<Static<S>>
}

export interface KindDefinition<S extends TSchema = TSchema, T extends TSchema = TSchema> extends KindDeclaration<S, T> {
  readonly displayName: string
  readonly pluralDisplayName: string
  readonly includeInFederation: boolean
  /** Is it spoken of by KRI? Insights and secrets are not: no policy and no route names one. */
  readonly hasKri: boolean
}

/** Declares a kind once: API path, CLI noun, sync direction, validation and documentation follow from it. */
export function defineKind<S extends TSchema, T extends TSchema = TSchema>(declaration: KindDeclaration<S, T>): KindDefinition<S, T> {
  const displayName = declaration.displayName ?? words(declaration.kind)
  return Object.freeze({
    ...declaration,
    displayName,
    pluralDisplayName: plural(displayName),
    includeInFederation:
      declaration.includeInFederation ?? (declaration.sync === 'global' || declaration.sync === 'both' || declaration.secret === true),
    hasKri: declaration.secret !== true && declaration.readOnly !== true,
  })
}

/** The resource type of a kind: `ResourceOf<typeof MeshService>`. */
export type ResourceOf<K> = K extends KindDefinition<infer S, infer T> ? Resource<Static<S>, Static<T>> : never

/** `MeshHTTPRoute` → `Mesh HTTP Route`. */
function words(kind: string): string {
  return kind.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
}

function plural(words: string): string {
  if (/(s|x|z|ch|sh)$/i.test(words)) return `${words}es`
  return /[^aeiou]y$/.test(words) ? `${words.slice(0, -1)}ies` : `${words}s`
}
