import { meanSame, minimalSpec } from '../../../src/convert/terraform/minimal-spec.ts'
import { observedFields, withoutObserved } from '../../../src/convert/terraform/observed.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { findKind, kindByName, kinds, suggestKinds } from '../../../src/model/kinds/index.ts'
import { sameMeaning } from '../../sdk/cty/compare.ts'
import { inferType } from '../../sdk/cty/infer.ts'
import { type Json, toJson, valueFromApi } from '../../sdk/cty/json.ts'
import { hasUnknown, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import { type Problem, ProviderError } from '../../sdk/provider/problem.ts'
import type { Codec } from './codec.ts'
import { labelsAttribute, labelTexts, nameAttribute, ownLabels } from './envelope.ts'
import { parseId } from './resource-key.ts'
import { shownSpec } from './shown-spec.ts'
import { validateKind } from './validate-kind.ts'

/** `skerry_resource`: any kind at all, its spec as the API has it. */
export const anyKind: Codec = {
  description:
    'A resource of any kind, with its spec as the API and its YAML have it, such as `yamldecode(file("policy.yaml")).spec`. What has a resource of its own is better written there: its fields are checked one by one.',
  attributes: {
    kind: { type: 'string', required: true, replaces: true, description: 'The `type` in YAML, such as `MeshTimeout`.', check: unknownKind },
    mesh: {
      type: 'string',
      optional: true,
      replaces: true,
      description: 'The mesh that it belongs to; none for a kind that is in no mesh.',
    },
    name: nameAttribute,
    labels: labelsAttribute,
    spec: {
      type: 'dynamic',
      optional: true,
      isSame: (a, b, around) => sameMeaning(a, b) || sameSpec(a, b, around),
      description: 'What stands under `spec` in YAML; for kinds without one (`Mesh`, `Zone`, `Dataplane`) the fields beside `name`.',
    },
  },
  kindOf: ({ kind }) => (typeof kind === 'string' ? kindByName(kind) : undefined),
  toBody: planned => {
    const kind = requireKind(planned)
    const spec = specOf(planned)
    return {
      type: kind.kind,
      ...(kind.scope === 'mesh' ? { mesh: planned.mesh ?? 'default' } : {}),
      name: planned.name,
      labels: labelTexts(planned.labels),
      ...(kind.shape === 'flat' ? spec : { spec }),
    }
  },
  toState: (shown, was) => {
    const kind = requireKind(was)
    const api = visibleSpec(kind, shownSpec(kind, shown), was)
    const isImported = was.revision === null || was.revision === undefined
    const isSame = !isImported && !hasUnknown(was.spec ?? null) && meanSame(kind, api, specOf(was))
    return {
      kind: kind.kind,
      mesh: kind.scope === 'mesh' ? String(shown.mesh) : null,
      name: shown.name,
      labels: ownLabels(shown.labels, was.labels ?? null),
      spec: isSame ? (was.spec ?? null) : inferType(valueFromApi('dynamic', minimalSpec(kind, api) as Json)),
    }
  },
  validate: config => {
    const kind = anyKind.kindOf(config)
    if (kind === undefined) return []
    if (kind.scope === 'mesh' && config.mesh === null) return [needsMesh(kind)]
    const isPartial = hasUnknown(config.spec ?? null)
    return validateKind({ kind, config, spec: specOf(config), isPartial, isUnknown: () => isPartial, find: anyKind.attributeOf })
  },
  attributeOf: ([first]) => (first === 'mesh' || first === 'name' || first === 'labels' ? [first] : ['spec']),
  fromId: id => {
    const [, word = '', rest = ''] = /^([^/]+)\/(.+)$/.exec(id) ?? []
    const kind = findKind(word)
    if (kind === undefined)
      throw new ProviderError({
        summary: `${JSON.stringify(id)} names no kind`,
        detail: 'Import it as KIND/MESH/NAME, such as MeshTimeout/default/slow.',
      })
    const { mesh, name } = parseId(kind, rest)
    return { kind: kind.kind, mesh: kind.scope === 'mesh' ? mesh : null, name }
  },
}

function requireKind(values: ObjectValue): KindDefinition {
  const kind = anyKind.kindOf(values)
  if (kind === undefined) throw new ProviderError({ summary: 'The kind is not known' })
  return kind
}

/** Also where a control plane fills something in, or spells a duration otherwise. */
function sameSpec(a: Value, b: Value, around: ObjectValue): boolean {
  const kind = anyKind.kindOf(around)
  return kind !== undefined && !hasUnknown(a) && !hasUnknown(b) && meanSame(kind, specOf({ spec: a }), specOf({ spec: b }))
}

function unknownKind(value: Value): string | undefined {
  const kind = kindByName(String(value))
  if (kind?.secret) return 'is kept by resources of its own: use skerry_secret'
  if (kind !== undefined) return kind.readOnly ? 'is written by control planes alone' : undefined
  const [best] = suggestKinds(String(value))
  const known = kinds.filter(({ readOnly, secret }) => !readOnly && !secret).map(it => it.kind)
  const meant = best === undefined ? undefined : kinds.find(({ path }) => path === best)?.kind
  return `must be a kind: ${meant === undefined ? known.join(', ') : `did you mean ${meant}?`}`
}

function needsMesh({ kind }: KindDefinition): Problem {
  return { summary: `${kind} is not valid`, detail: 'mesh: must be set, such as "default"', path: ['mesh'] }
}

function specOf({ spec = null }: ObjectValue): Readonly<Record<string, unknown>> {
  return (toJson(spec) ?? {}) as Readonly<Record<string, unknown>>
}

/** What control planes write is shown where the configuration has it, too. */
function visibleSpec(kind: KindDefinition, api: Readonly<Record<string, unknown>>, was: ObjectValue): Readonly<Record<string, unknown>> {
  const written = specOf(was)
  return observedFields(kind).some(field => written[field] !== undefined) ? api : withoutObserved(kind, api)
}
