import Type, { type Static, type TSchema } from 'typebox'
import { defineKind, type KindDeclaration, type KindDefinition } from './kind.ts'
import { closed } from './schema.ts'
import { toTargetRef } from './target-ref.ts'

type PolicyDeclaration<S extends TSchema, T extends TSchema> = Pick<
  KindDeclaration<S, T>,
  'kind' | 'short' | 'path' | 'description' | 'spec' | 'status' | 'check' | 'columns' | 'example'
> & {
  /** Its place among the policies: those of a smaller one are applied first. */
  readonly order: number
}

/** What is read of a policy's schema to say where a `targetRef` may stand. */
interface PolicySchema {
  readonly properties?: {
    readonly targetRef?: Reference
    readonly to?: { readonly items?: { readonly properties?: { readonly targetRef?: Reference } } }
    readonly rules?: unknown
  }
}
interface Reference {
  readonly properties?: { readonly kind?: { readonly enum?: readonly string[] } }
}

/** What every policy's spec may have. */
interface TargetingSpec {
  readonly targetRef?: { readonly kind: string }
  readonly to?: readonly { readonly targetRef: { readonly kind: string } }[]
}

/** Declares a policy: a kind of a mesh that global gives to zones and zones show to global; where it may point follows from its schema. */
export function definePolicy<S extends TSchema, T extends TSchema = TSchema>(policy: PolicyDeclaration<S, T>): KindDefinition<S, T> {
  const { order, ...declaration } = policy
  const { targetRef, to, rules } = (policy.spec as PolicySchema).properties ?? {}
  return defineKind({
    ...declaration,
    scope: 'mesh',
    shape: 'spec',
    sync: 'both',
    naming: 'rfc1123',
    policy: {
      order,
      to: to !== undefined,
      rules: rules !== undefined,
      topKinds: kindsOf(targetRef),
      toKinds: kindsOf(to?.items?.properties?.targetRef),
    },
    columns: [
      { title: 'TARGET', value: ({ spec }) => (spec as TargetingSpec).targetRef?.kind ?? 'Mesh' },
      ...(to === undefined ? [] : [{ title: 'TO', value: ({ spec }: { spec: unknown }) => toColumn(spec as TargetingSpec) }]),
      ...(declaration.columns ?? []),
    ],
  })
}

/** `to` of a policy whose configuration is `conf`; an item without `default` says nothing. */
export const toItems = <C extends TSchema>(conf: C) =>
  Type.Array(closed({ targetRef: toTargetRef, default: Type.Unsafe<Static<C>>({ ...conf, default: {} }) }), {
    description: 'For requests and connections that go out, by where they go.',
  })

function kindsOf(reference: Reference | undefined): readonly string[] {
  return reference?.properties?.kind?.enum ?? []
}

function toColumn({ to = [] }: TargetingSpec): string {
  return [...new Set(to.map(item => item.targetRef.kind))].join(',')
}
