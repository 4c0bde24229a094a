import { resourceTypeOf } from '../../../src/convert/terraform/kind-names.ts'
import { meanSame, minimalSpec } from '../../../src/convert/terraform/minimal-spec.ts'
import { specShape, withoutObserved } from '../../../src/convert/terraform/observed.ts'
import type { Member, ObjectShape, Shape } from '../../../src/convert/terraform/shape.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { sameValue } from '../../sdk/cty/compare.ts'
import { hasUnknown, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import type { Attributes } from '../../sdk/provider/schema.ts'
import { typeOf } from '../../sdk/provider/schema.ts'
import { attributesOf } from '../shape/attributes.ts'
import { attributePath, isUnknownAt } from '../shape/field-path.ts'
import { fromApi } from '../shape/from-api.ts'
import { toApi } from '../shape/to-api.ts'
import type { Codec } from './codec.ts'
import { labelsAttribute, labelTexts, meshAttribute, nameAttribute, ownLabels } from './envelope.ts'
import { parseId } from './resource-key.ts'
import { shownSpec } from './shown-spec.ts'
import { validateKind } from './validate-kind.ts'

const reserved = [
  'id',
  'revision',
  'name',
  'labels',
  'count',
  'for_each',
  'depends_on',
  'lifecycle',
  'provider',
  'connection',
  'provisioner',
]

/** A typed resource for a kind, made from its schema. */
export function kindCodec(kind: KindDefinition): Codec {
  const written = specShape(kind)
  const spec = kind.shape === 'flat' ? written : wrapped(written, kind)
  const specAttributes = attributesOf(spec)
  const clash = reserved.find(name => specAttributes[name] !== undefined)
  if (clash !== undefined) throw new TypeError(`${kind.kind} has a field ${clash}, which Terraform or every resource has already`)
  const whole: ObjectShape = { is: 'object', members: new Map([...envelope, ...spec.members]) }

  /** The API's spec of a configuration; `values` has its attributes. */
  const toSpec = (values: ObjectValue): Readonly<Record<string, unknown>> => {
    const made = (toApi(spec, values) ?? {}) as Readonly<Record<string, unknown>>
    return kind.shape === 'flat' ? made : ((made.spec ?? {}) as Readonly<Record<string, unknown>>)
  }
  /** What is there now, where that is not what was there before. */
  const changed = (api: Readonly<Record<string, unknown>>, before: ObjectValue): ObjectValue => {
    const minimal = minimalSpec(kind, api)
    if (kind.shape === 'flat') return fromApi(spec, api, minimal, before) as ObjectValue
    return fromApi(spec, { spec: api }, Object.keys(minimal).length > 0 ? { spec: minimal } : {}, before) as ObjectValue
  }
  const ofSpec = (values: ObjectValue): ObjectValue =>
    Object.fromEntries([...spec.members.keys()].map(name => [name, values[name] ?? null]))

  return {
    description: descriptionOf(kind),
    attributes: { ...envelopeAttributes(kind), ...specAttributes },
    kindOf: () => kind,
    toBody: planned => {
      const { mesh, name, labels } = planned
      const made = toSpec(planned)
      return {
        type: kind.kind,
        ...(kind.scope === 'mesh' ? { mesh } : {}),
        name,
        labels: labelTexts(labels),
        ...(kind.shape === 'flat' ? made : { spec: made }),
      }
    },
    toState: (shown, was) => {
      const api = withoutObserved(kind, shownSpec(kind, shown))
      const before = ofSpec(was)
      const isSame = !hasUnknown(before) && wasWritten(was) && meanSame(kind, api, toSpec(was))
      const now = isSame ? before : changed(api, before)
      return {
        ...(kind.scope === 'mesh' ? { mesh: String(shown.mesh) } : {}),
        name: shown.name,
        labels: ownLabels(shown.labels, was.labels ?? null),
        ...keepSame(specAttributes, now, before),
      }
    },
    validate: config =>
      validateKind({
        kind,
        config,
        spec: toSpec(config),
        isPartial: hasUnknown(ofSpec(config)),
        isUnknown: field => isUnknownAt(whole, config, field),
        find: field => attributePath(whole, field),
      }),
    attributeOf: field => attributePath(whole, field),
    fromId: id => {
      const { mesh, name } = parseId(kind, id)
      return { ...(kind.scope === 'mesh' ? { mesh } : {}), name }
    },
  }
}

/** A state that has nothing but the name was just imported. */
function wasWritten(was: ObjectValue): boolean {
  return was.revision !== null && was.revision !== undefined
}

/** What is there before where it is the same, so that whoever compares finds it so. */
function keepSame(attributes: Attributes, now: ObjectValue, before: ObjectValue): ObjectValue {
  return Object.fromEntries(
    Object.entries(now).map(([name, value]): [string, Value] => {
      const attribute = attributes[name]
      const was = before[name] ?? null
      return [name, attribute !== undefined && sameValue(typeOf(attribute), value, was) ? was : value]
    }),
  )
}

/** The spec as one attribute; it may be left out where nothing in it must be there. */
function wrapped(shape: ObjectShape, kind: KindDefinition): ObjectShape {
  const isRequired = [...shape.members.values()].some(member => member.isRequired)
  const member: Member = { field: 'spec', shape, isRequired, description: `What the ${kind.displayName} says.` }
  return { is: 'object', members: new Map([['spec', member]]) }
}

const text: Shape = { is: 'text' }
const envelope: readonly (readonly [string, Member])[] = [
  ['mesh', { field: 'mesh', shape: text, isRequired: false }],
  ['name', { field: 'name', shape: text, isRequired: true }],
  ['labels', { field: 'labels', shape: { is: 'map', of: text }, isRequired: false }],
]

function envelopeAttributes(kind: KindDefinition): Attributes {
  return { ...(kind.scope === 'mesh' ? { mesh: meshAttribute } : {}), name: nameAttribute, labels: labelsAttribute }
}

function descriptionOf(kind: KindDefinition): string {
  const where =
    kind.sync === 'zone' || kind.sync === 'forwarded' ? " It belongs to a zone: `endpoint` must be that of the zone's control plane." : ''
  return `${kind.description}${where}\n\nThe kind \`${kind.kind}\` of the API; \`${resourceTypeOf(kind.kind)}\` has its fields in snake case.`
}
