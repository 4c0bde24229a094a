import { isListValue, isObjectValue, type ObjectValue, UNKNOWN, type Value } from '../../sdk/cty/value.ts'
import type { AttributeSchema, BlockSchema } from '../provider-schema.ts'

/**
 * What a cloud's provider would plan: computed attributes that the configuration leaves open are unknown when the thing is made, and as
 * they were afterwards; write-only ones are never in it. In the blocks of a set nothing is computed: an element that changes is another
 * one, and would never be found again. `proposed` is the configuration with what was there before put in by Terraform.
 */
export function planBlock(block: BlockSchema, proposed: ObjectValue, isNew: boolean): ObjectValue {
  const planned: Record<string, Value> = { ...proposed }
  for (const [name, attribute] of Object.entries(block.attributes ?? {}))
    planned[name] = planAttribute(attribute, proposed[name] ?? null, isNew)
  for (const [name, { block: inner, nesting_mode }] of Object.entries(block.block_types ?? {}))
    planned[name] = each(proposed[name] ?? null, value => planBlock(inner, value, isNew && nesting_mode !== 'set'))
  return planned
}

function planAttribute(attribute: AttributeSchema, value: Value, isNew: boolean): Value {
  if (attribute.write_only) return null
  if (value === null) return attribute.computed && isNew ? UNKNOWN : null
  const nested = attribute.nested_type
  return nested ? each(value, inner => planBlock({ attributes: nested.attributes }, inner, isNew)) : value
}

/** Nested values are one object, a list of them, or a map of them: those of a map have no attributes of the block's names. */
function each(value: Value, plan: (value: ObjectValue) => ObjectValue): Value {
  if (isListValue(value)) return value.map(item => each(item, plan))
  return isObjectValue(value) ? plan(value) : value
}
