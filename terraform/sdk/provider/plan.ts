import { sameValue } from '../cty/compare.ts'
import { isListValue, isObjectValue, type ObjectValue, UNKNOWN, type Value } from '../cty/value.ts'
import { type Attribute, type Attributes, isGiven, objectType, typeOf } from './schema.ts'

export interface PlannedChange {
  readonly planned: ObjectValue
  /** Attributes for which another object takes this one's place. */
  readonly replaces: readonly string[]
}

/**
 * What a resource will be. `proposed` is Terraform's own idea: the configuration, and the earlier value where that is silent on a
 * computed attribute. The rules that Terraform holds a provider to:
 *
 * - What the configuration says stands as it is, except that the earlier value may stay where it means the same.
 * - What is computed and not configured is unknown for a new object; for one that is there it stays, unless it changes with any
 *   update and there is one.
 * - What is only written is null.
 */
export function planChange(attributes: Attributes, config: ObjectValue, prior: ObjectValue | null, proposed: ObjectValue): PlannedChange {
  const type = objectType(attributes)
  if (prior === null) return { planned: fill(attributes, config, null, proposed, 'create'), replaces: [] }
  const quiet = fill(attributes, config, prior, proposed, 'keep')
  if (sameValue(type, quiet, prior)) return { planned: quiet, replaces: [] }
  const replaces = Object.entries(attributes)
    .filter(([name, attribute]) => attribute.replaces && !sameValue(typeOf(attribute), quiet[name], prior[name]))
    .map(([name]) => name)
  if (replaces.length > 0) return { planned: fill(attributes, config, null, proposed, 'create'), replaces }
  return { planned: fill(attributes, config, prior, proposed, 'update'), replaces: [] }
}

/** `keep`: as if nothing changed, to find out whether something does. */
type Mode = 'create' | 'keep' | 'update'

function fill(attributes: Attributes, config: ObjectValue, prior: ObjectValue | null, proposed: ObjectValue, mode: Mode): ObjectValue {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [
      name,
      fillAttribute(
        attribute,
        { config: config[name] ?? null, prior: prior?.[name] ?? null, proposed: proposed[name] ?? null, around: config },
        mode,
      ),
    ]),
  )
}

interface Considered {
  readonly config: Value
  readonly prior: Value
  readonly proposed: Value
  readonly around: ObjectValue
}

function fillAttribute(attribute: Attribute, { config, prior, proposed, around }: Considered, mode: Mode): Value {
  if (attribute.writeOnly) return null
  if (config === null) {
    if (attribute.default !== undefined) return attribute.default
    if (!attribute.computed) return null
    return mode === 'create' || (mode === 'update' && attribute.isVolatile) ? UNKNOWN : prior
  }
  if (config === UNKNOWN) return UNKNOWN
  if (mode !== 'create' && isGiven(prior) && attribute.isSame?.(prior, config, around)) return prior
  return 'nested' in attribute ? fillNested(attribute.nested, config, prior, proposed, mode) : config
}

function fillNested(
  { nesting, attributes }: { readonly nesting: string; readonly attributes: Attributes },
  config: Value,
  prior: Value,
  proposed: Value,
  mode: Mode,
): Value {
  const one = (item: Value, before: Value, idea: Value): Value => {
    if (!isObjectValue(item)) return item
    const was = isObjectValue(before) ? before : null
    // An object that was not there before is a new one, whatever it lies in.
    return fill(attributes, item, was, isObjectValue(idea) ? idea : item, was === null ? 'create' : mode)
  }
  if (nesting === 'single') return one(config, prior, proposed)
  if (isListValue(config)) {
    // Which element of a set was which before, nobody can say.
    const before = nesting === 'list' && isListValue(prior) ? prior : []
    return config.map((item, index) => one(item, before[index] ?? null, isListValue(proposed) ? (proposed[index] ?? null) : null))
  }
  if (!isObjectValue(config)) return config
  const entries = Object.entries(config).map(([key, item]) => [key, one(item, valueAt(prior, key), valueAt(proposed, key))] as const)
  return Object.fromEntries(entries)
}

function valueAt(value: Value, key: string): Value {
  return isObjectValue(value) ? (value[key] ?? null) : null
}
