import type { KindDefinition } from '../../../src/model/kind.ts'
import { globalSecretKind, secretKind } from '../../../src/model/kinds/secret.ts'
import type { ObjectValue } from '../../sdk/cty/value.ts'
import type { Problem } from '../../sdk/provider/problem.ts'
import { isGiven } from '../../sdk/provider/schema.ts'
import type { Codec } from './codec.ts'
import { labelsAttribute, labelTexts, meshAttribute, nameAttribute, ownLabels } from './envelope.ts'
import { parseId } from './resource-key.ts'
import { validateKind } from './validate-kind.ts'

/**
 * `skerry_secret` and `skerry_global_secret`: the value is written and never read, so it is in neither plan nor state. That it is another
 * one, the version says, since nobody can compare.
 */
export function secretCodec(kind: KindDefinition, description: string): Codec {
  const isInMesh = kind.scope === 'mesh'
  return {
    description,
    attributes: {
      ...(isInMesh ? { mesh: meshAttribute } : {}),
      name: nameAttribute,
      labels: labelsAttribute,
      value_wo: {
        type: 'string',
        optional: true,
        sensitive: true,
        writeOnly: true,
        description: 'The secret, as text. Either this or `value_base64_wo`.',
      },
      value_base64_wo: {
        type: 'string',
        optional: true,
        sensitive: true,
        writeOnly: true,
        description: 'The secret in base64, for what is no text.',
        check: value => (/^[A-Za-z0-9+/]*={0,2}$/.test(String(value)) ? undefined : 'must be base64'),
      },
      value_wo_version: {
        type: 'number',
        required: true,
        description: 'Any number; with another one than before the value is written again.',
      },
    },
    kindOf: () => kind,
    toBody: (planned, config) => ({
      type: kind.kind,
      ...(isInMesh ? { mesh: planned.mesh } : {}),
      name: planned.name,
      labels: labelTexts(planned.labels),
      data: dataOf(config),
    }),
    toState: (shown, was) => ({
      ...(isInMesh ? { mesh: String(shown.mesh) } : {}),
      name: shown.name,
      labels: ownLabels(shown.labels, was.labels ?? null),
      value_wo: null,
      value_base64_wo: null,
      value_wo_version: was.value_wo_version ?? null,
    }),
    validate: config => [
      ...validateKind({ kind, config, spec: { data: '' }, isPartial: true, isUnknown: () => false, find: attributeOf }),
      ...oneValue(config),
    ],
    attributeOf,
    fromId: id => {
      const { mesh, name } = parseId(kind, id)
      return { ...(isInMesh ? { mesh } : {}), name }
    },
  }
}

export const meshSecret = secretCodec(
  secretKind as unknown as KindDefinition,
  'A secret of a mesh, which policies and gateways refer to by its name. The value is in neither the plan nor the state (Terraform 1.11 or later).',
)

export const globalSecret = secretCodec(
  globalSecretKind as unknown as KindDefinition,
  'A secret of the control plane itself. The value is in neither the plan nor the state (Terraform 1.11 or later).',
)

function attributeOf(field: readonly (string | number)[]): readonly (string | number)[] {
  return field[0] === 'data' ? ['value_wo'] : field
}

function dataOf({ value_wo, value_base64_wo }: ObjectValue): string {
  // A dry run is about a value that only the configuration has.
  if (isGiven(value_base64_wo)) return String(value_base64_wo)
  return Buffer.from(isGiven(value_wo) ? String(value_wo) : '').toString('base64')
}

function oneValue({ value_wo, value_base64_wo }: ObjectValue): readonly Problem[] {
  const count = [value_wo, value_base64_wo].filter(value => value !== null && value !== undefined).length
  if (count === 1) return []
  return [{ summary: 'Exactly one value', detail: 'Set either value_wo or value_base64_wo.', path: ['value_wo'] }]
}
