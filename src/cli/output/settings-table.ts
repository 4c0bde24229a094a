import type { Table } from './table.ts'

/** What is in force in one part of a proxy, by policy kind, with who said so. */
export type Settings = Readonly<Record<string, readonly { readonly path: string; readonly value: unknown; readonly origin: string }[]>>

/** A part of a proxy that policies speak of: a listener, a route, a destination. */
export interface SettingsOf {
  readonly subject: string
  readonly settings: Settings
}

/** One line for each setting and value; parts of the proxy that have it alike share the line. What a policy set comes before defaults. */
export function settingsTable(parts: readonly SettingsOf[]): Table {
  const holders = new Map<string, Set<string>>()
  const lines = new Map<string, { kind: string; path: string; value: string; origin: string; subjects: Set<string> }>()
  for (const { subject, settings } of parts) {
    for (const [kind, list] of Object.entries(settings)) {
      for (const { path, value, origin } of list) {
        const text = formatValue(value)
        const line = lines.get(`${kind} ${path} ${text} ${origin}`) ?? { kind, path, value: text, origin, subjects: new Set<string>() }
        lines.set(`${kind} ${path} ${text} ${origin}`, line)
        line.subjects.add(subject)
        holders.set(`${kind} ${path}`, (holders.get(`${kind} ${path}`) ?? new Set()).add(subject))
      }
    }
  }
  const rows = [...lines.values()]
    .sort((a, b) => Number(a.origin === 'default') - Number(b.origin === 'default') || compare(a.kind, b.kind) || compare(a.path, b.path))
    .map(({ kind, path, value, origin, subjects }) => [
      `${kind} ${path}`,
      value,
      formatSubjects(subjects, holders.get(`${kind} ${path}`)!.size),
      origin === 'default' ? 'built-in default' : origin,
    ])
  return { columns: ['SETTING', 'VALUE', 'FOR', 'FROM'], rows }
}

/** As many as one can read, else their number. */
const SHOWN_SUBJECTS = 2

function formatSubjects(subjects: ReadonlySet<string>, all: number): string {
  if (subjects.size === all && all > 1) return `all ${all}`
  return subjects.size <= SHOWN_SUBJECTS ? [...subjects].join(', ') : `${subjects.size} of ${all}`
}

function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
