import type { Violation } from '../../model/kind.ts'
import type { TableQuery, TableShape } from './model/table.ts'

export type ReadListRequest =
  | { readonly kind: 'ok'; readonly query: Omit<TableQuery, 'visible'> }
  | { readonly kind: 'invalid'; readonly violations: readonly Violation[] }

type Parameters = Readonly<Record<string, unknown>>
type Fields = Pick<TableShape<never>, 'filters' | 'sorts'>

const defaultSize = 100
const maxSize = 1000
const filterName = /^filter\[(.+)\]$/

/** What every list takes, for its description. */
export function listParameters({ filters, sorts }: Fields): readonly { readonly name: string; readonly description: string }[] {
  return [
    ...Object.keys(filters).map(field => ({
      name: `filter[${field}]`,
      description: `only with this ${field}; several values with commas: any of them`,
    })),
    { name: 'q', description: 'only what has this text in its name or the like, upper or lower case' },
    { name: 'sort', description: `fields with commas, the first first; \`-\` before one turns it round: ${Object.keys(sorts).join(', ')}` },
    { name: 'size', description: `at most so many, 1 to ${maxSize}; default ${defaultSize}` },
    { name: 'offset', description: 'leaves out so many: see `next`' },
  ]
}

/** Reads `filter[FIELD]=`, `q`, `sort`, `size` and `offset`. What it does not know is told by name, never left out in silence. */
export function readListRequest(parameters: Parameters, { filters: known, sorts }: Fields, also: readonly string[] = []): ReadListRequest {
  const violations: Violation[] = []
  const filters = new Map<string, string[]>()
  for (const [name, value] of Object.entries(parameters)) {
    const field = filterName.exec(name)?.[1]
    if (field !== undefined && Object.hasOwn(known, field)) filters.set(field, textsOf(value))
    else if (field !== undefined || name.startsWith('filter')) {
      violations.push({
        field: name,
        reason: `there is no such filter: ${Object.keys(known)
          .map(filter => `filter[${filter}]`)
          .join(', ')}`,
      })
    } else if (!plain.includes(name) && !also.includes(name)) {
      violations.push({ field: name, reason: `there is no such parameter: ${[...plain, ...also].join(', ')}, filter[…]` })
    }
  }
  const sort = lastOf(parameters.sort)
  for (const field of sort?.split(',') ?? []) {
    if (Object.hasOwn(sorts, field.replace(/^-/, ''))) continue
    violations.push({ field: 'sort', reason: `cannot sort by ${JSON.stringify(field)}: ${Object.keys(sorts).join(', ')}` })
  }
  const numberOf = (name: string, fallback: number, min: number, max: number) => {
    const text = lastOf(parameters[name])
    if (text === undefined) return fallback
    if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    violations.push({ field: name, reason: `must be a whole number from ${min} to ${max}` })
    return fallback
  }
  const size = numberOf('size', defaultSize, 1, maxSize)
  const offset = numberOf('offset', 0, 0, 999_999_999)
  if (violations.length > 0) return { kind: 'invalid', violations }
  return { kind: 'ok', query: { filters, q: lastOf(parameters.q), sort, size, offset } }
}

const plain = ['q', 'sort', 'size', 'offset']

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap(text => String(text).split(','))
}

export function lastOf(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.at(-1) : value
  return typeof text === 'string' && text !== '' ? text : undefined
}
