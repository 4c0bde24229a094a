import type { TSchema } from 'typebox'
import { isObject } from '../model/is-object.ts'
import type { Keywords } from '../model/keywords.ts'
import type { Field } from './field.ts'

/** The part of a schema at a path of members; `[]` steps into a list's items. Throws where there is none: the caller names what is declared. */
export function schemaAt(schema: TSchema | Keywords, ...steps: readonly string[]): Keywords {
  return steps.reduce<Keywords>((at, step) => {
    const next = step === '[]' ? at.items : at.properties?.[step]
    if (next === undefined) throw new TypeError(`no ${steps.join('.')} in this schema`)
    return next
  }, schema as Keywords)
}

/**
 * A copy of what a schema knows, each leaf kept; what it does not know is dropped. Whether the values are right is not looked at. Members
 * named in `except` are left to the caller, who must speak of them.
 */
export function copyKnown(schema: Keywords, field: Field, except: readonly string[] = []): unknown {
  if (schema.anyOf !== undefined) return copyChosen(schema.anyOf, field)
  if (schema.items !== undefined && Array.isArray(field.value) && field.value.length > 0)
    return field.items().map(item => copyKnown(schema.items!, item))
  if (schema.properties === undefined || !isObject(field.value) || Object.keys(field.value).length === 0) return field.keep()
  const copy: [string, unknown][] = []
  for (const [name, member] of field.members()) {
    if (except.includes(name) || except.includes(jsonName(name))) continue
    const known = [name, jsonName(name)].find(it => Object.hasOwn(schema.properties!, it))
    if (known !== undefined) copy.push([known, copyKnown(schema.properties[known]!, member)])
    else member.drop('Skerry has no such field')
  }
  return Object.fromEntries(copy)
}

function copyChosen(choices: readonly Keywords[], field: Field): unknown {
  const type = field.member('type')?.value
  const chosen = choices.find(choice => choice.properties?.type?.const === type) ?? choices.find(choice => choice.properties === undefined)
  if (chosen !== undefined || !isObject(field.value)) return chosen?.properties === undefined ? field.keep() : copyKnown(chosen, field)
  return field.keep()
}

function jsonName(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
