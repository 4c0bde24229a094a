/** A type as Terraform writes it in JSON: `"string"`, `["list", "number"]`, `["object", {"a": "bool"}]`.
 *  https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol#type-constraints */
export type Type =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', Type]
  | readonly ['tuple', readonly Type[]]
  | readonly ['object', ObjectTypes]
  /** With the names of attributes that may be left out of a constraint. */
  | readonly ['object', ObjectTypes, readonly string[]]

export type ObjectTypes = { readonly [attribute: string]: Type }

/** The type of what lies in `type` under a key or at an index; `dynamic` where nothing is known of it. */
export function typeWithin(type: Type, step: string | number): Type {
  if (typeof type === 'string') return 'dynamic'
  switch (type[0]) {
    case 'object':
      return type[1][step] ?? 'dynamic'
    case 'tuple':
      return type[1][Number(step)] ?? 'dynamic'
    default:
      return type[1]
  }
}

/** Are they one type? Attributes of an object have no order. */
export function sameType(a: Type, b: Type): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  if (a[0] === 'object' && b[0] === 'object') {
    const names = Object.keys(a[1])
    return names.length === Object.keys(b[1]).length && names.every(name => b[1][name] !== undefined && sameType(a[1][name]!, b[1][name]))
  }
  if (a[0] === 'tuple' && b[0] === 'tuple') return a[1].length === b[1].length && a[1].every((type, index) => sameType(type, b[1][index]!))
  return a[0] === b[0] && sameType(a[1] as Type, b[1] as Type)
}
