import { isComputedLabel } from '../../../src/model/compute-labels.ts'
import { isObject } from '../../../src/model/is-object.ts'
import { rotationLabel } from '../../../src/model/labels.ts'
import { sameValue } from '../../sdk/cty/compare.ts'
import { isObjectValue, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import type { Attribute } from '../../sdk/provider/schema.ts'

/** What resources of a mesh, and of all kinds, have around their spec. */
export const meshAttribute: Attribute = {
  type: 'string',
  default: 'default',
  replaces: true,
  description: 'The mesh that it belongs to. Default `default`.',
}

export const nameAttribute: Attribute = {
  type: 'string',
  required: true,
  replaces: true,
  description: 'Its name, by which it is known as long as it is there.',
}

export const labelsAttribute: Attribute = {
  type: ['map', 'string'],
  optional: true,
  description: 'Labels of the resource. Those that the control plane adds by itself never show up here.',
}

/** The labels that a configuration could have written; those that the control plane computes only where it did. The same as before are `was` itself. */
export function ownLabels(shown: unknown, was: Value, isOthers: (label: string) => boolean = () => false): Value {
  const before = isObjectValue(was) ? was : {}
  const own = Object.entries(isObject(shown) ? shown : {}).filter(
    ([label]) => Object.hasOwn(before, label) || !(isComputedLabel(label) || label === rotationLabel || isOthers(label)),
  )
  // An empty map and none are one thing to the API.
  const labels = own.length === 0 && !isObjectValue(was) ? null : (Object.fromEntries(own) as ObjectValue)
  return sameValue(['map', 'string'], labels, was) ? was : labels
}

/** For a body: text by label. Unknown values are left out. */
export function labelTexts(labels: Value | undefined): Record<string, string> {
  if (!isObjectValue(labels)) return {}
  return Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
