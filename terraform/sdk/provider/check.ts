import { isListValue, isObjectValue, type ObjectValue, type Value } from '../cty/value.ts'
import type { Path, Problem } from './problem.ts'
import { type Attribute, type Attributes, isGiven } from './schema.ts'

/** What the attributes' own checks say of a configuration. Unknown values are nobody's fault yet. */
export function checkAttributes(attributes: Attributes, config: ObjectValue, at: Path = []): Problem[] {
  return Object.entries(attributes).flatMap(([name, attribute]) => {
    const value = config[name]
    return isGiven(value) ? checkValue(attribute, value, [...at, name]) : []
  })
}

function checkValue(attribute: Attribute, value: Value, path: Path): Problem[] {
  const reason = attribute.check?.(value)
  return [
    ...(reason === undefined ? [] : [{ summary: `Invalid ${String(path.at(-1))}`, detail: reason, path }]),
    ...within(attribute, value, path),
  ]
}

function within(attribute: Attribute, value: Value, path: Path): Problem[] {
  if (!('nested' in attribute)) return []
  const { nesting, attributes } = attribute.nested
  const items: (readonly [string | number, Value])[] = isListValue(value)
    ? value.map((item, index) => [index, item] as const)
    : isObjectValue(value)
      ? Object.entries(value)
      : []
  if (nesting === 'single') return isObjectValue(value) ? checkAttributes(attributes, value, path) : []
  return items.flatMap(([step, item]) => (isObjectValue(item) ? checkAttributes(attributes, item, [...path, step]) : []))
}

/** Terraform before 1.11 would keep what is written once and never to be read. */
export function checkWriteOnly(attributes: Attributes, config: ObjectValue, isAllowed: boolean): Problem[] {
  if (isAllowed) return []
  return Object.entries(attributes)
    .filter(([name, attribute]) => attribute.writeOnly && config[name] !== null)
    .map(([name]) => ({
      summary: `Terraform is too old for ${name}`,
      detail: `${name} is kept in neither the plan nor the state, which takes Terraform 1.11 or later.`,
      path: [name],
    }))
}
