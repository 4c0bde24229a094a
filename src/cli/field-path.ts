export type FieldPath = readonly (string | number)[]

/** Kuma's form of a field (`spec.to[0].default.http`, `labels["kuma.io/zone"]`) as steps. */
export function parseField(field: string): FieldPath {
  return [...field.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, word]) => quoted ?? (index === undefined ? word! : Number(index)),
  )
}

/** RFC 6901. */
export function toPointer(path: FieldPath): string {
  return path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
