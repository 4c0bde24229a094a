import { isAppended, isObject } from './merge.ts'
import { mergeRouteRules } from './merge-routes.ts'
import type { Layer, RuleConf, RuleOrigin } from './policy.ts'

/** One setting of a configuration and what set it. */
export interface FieldOrigin {
  /** `http.requestTimeout`, `appendModifications[0]`, `rules[0].default.backendRefs`. Other lists are one setting, as they replace each other whole. */
  readonly path: string
  readonly value: unknown
  /** null: no policy; it is the default. */
  readonly origin: RuleOrigin | null
}

/**
 * Every setting of a configuration with the policy and rule that set it last, in the order of the configuration. `defaults`, of the
 * same shape, are what holds where no policy says anything; without a rule they are all there is.
 */
export function fieldsOf(rule: Pick<RuleConf, 'layers'> | null, defaults: object = {}): FieldOrigin[] {
  const layers: SourcedLayer[] = [{ origin: null, conf: defaults }, ...(rule?.layers ?? [])]
  return [...leaves(foldLayers(layers), '')]
}

/** As `fieldsOf`, of a MeshHTTPRoute's rules, which are merged by their matches. */
export function routeFieldsOf(rule: Pick<RuleConf, 'layers'>): FieldOrigin[] {
  return mergeRouteRules(rule.layers).flatMap(({ matches, origin, layers }, index) => [
    { path: `rules[${index}].matches`, value: matches, origin },
    ...leaves(foldLayers(layers), `rules[${index}].default`),
  ])
}

type SourcedLayer = { readonly origin: Layer['origin'] | null; readonly conf: unknown }

type Node =
  | { readonly kind: 'leaf'; readonly value: unknown; readonly origin: RuleOrigin | null }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Node>; readonly origin: RuleOrigin | null }
  | { readonly kind: 'list'; readonly items: readonly Extract<Node, { kind: 'leaf' }>[] }

function foldLayers(layers: readonly SourcedLayer[]): Node | undefined {
  let node: Node | undefined
  for (const { origin, conf } of layers) node = patch(node, conf, origin)
  return node
}

/** Goes where `mergeConfs` goes, and notes who came by. */
function patch(target: Node | undefined, value: unknown, origin: RuleOrigin | null): Node {
  if (!isObject(value)) return { kind: 'leaf', value, origin }
  const fields = new Map(target?.kind === 'object' ? target.fields : [])
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue
    const before = fields.get(name)
    if (part === null) fields.delete(name)
    else if (isAppended(name, part))
      fields.set(name, { kind: 'list', items: [...itemsOf(before), ...part.map(item => leaf(item, origin))] })
    else fields.set(name, patch(before, part, origin))
  }
  return { kind: 'object', fields, origin }
}

function leaf(value: unknown, origin: RuleOrigin | null) {
  return { kind: 'leaf', value, origin } as const
}

function itemsOf(node: Node | undefined): readonly Extract<Node, { kind: 'leaf' }>[] {
  return node?.kind === 'list' ? node.items : []
}

function* leaves(node: Node | undefined, path: string): Generator<FieldOrigin> {
  if (node === undefined) return
  switch (node.kind) {
    case 'leaf':
      yield { path, value: node.value, origin: node.origin }
      break
    case 'list':
      for (const [index, { value, origin }] of node.items.entries()) yield { path: `${path}[${index}]`, value, origin }
      break
    case 'object':
      // `random: {}` says something by being there; an empty whole says nothing.
      if (node.fields.size === 0 && path !== '') yield { path, value: {}, origin: node.origin }
      for (const [name, field] of node.fields) yield* leaves(field, path === '' ? name : `${path}.${name}`)
  }
}
