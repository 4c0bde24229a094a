import { section } from './table.ts'

/** The API's `_inspect` of a policy. */
export interface PolicyInspection {
  readonly kri: string
  readonly zones: readonly {
    readonly zone: string
    /** Why the zone could not be asked. */
    readonly error?: string
    readonly reached?: number
    readonly problems?: readonly { readonly reason: string; readonly total: number; readonly dataplanes: readonly string[] }[]
  }[]
}

/** As many proxies as one can read. */
const SHOWN = 3

export function formatPolicyInspection({ kri, zones }: PolicyInspection): string {
  const problems = zones.flatMap(({ zone, problems = [] }) => problems.map(problem => ({ zone, ...problem })))
  return [
    `Policy ${kri}\n`,
    section('Whom it reaches', {
      columns: ['ZONE', 'PROXIES'],
      rows: zones.map(({ zone, error, reached }) => [zone, error ?? String(reached ?? 0)]),
    }),
    problems.length === 0
      ? '\nAll of it is applied wherever a proxy that it reaches is connected.\n'
      : section('What of it is not applied', {
          columns: ['ZONE', 'PROXIES', 'WHY'],
          rows: problems.map(({ zone, total, dataplanes, reason }) => [zone, formatNames(dataplanes, total), reason]),
        }),
  ].join('')
}

function formatNames(names: readonly string[], total: number): string {
  const shown = names.slice(0, SHOWN)
  return total > shown.length ? `${shown.join(', ')} and ${total - shown.length} more` : shown.join(', ')
}
