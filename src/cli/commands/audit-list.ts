import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatAge } from '../output/duration.ts'
import { printAnswer } from '../output/format.ts'

interface Entry {
  readonly sequence: number
  readonly time: string
  readonly who: { readonly name: string } | null
  readonly remote: string
  readonly verb: string
  readonly area: string
  readonly kind?: string
  readonly mesh?: string
  readonly name?: string
  readonly path?: string
  readonly changes?: readonly unknown[]
  readonly decision: string
  readonly status?: number
  readonly reason?: string
  readonly detail?: Readonly<Record<string, unknown>>
}

interface Page {
  readonly items: readonly Entry[]
  readonly next: string | null
  readonly broken?: string
}

const filters = ['from', 'who', 'verb', 'area', 'kind', 'name', 'decision', 'since'] as const

export async function run(invocation: Invocation): Promise<number> {
  const { options, givenMesh, io } = invocation
  const limit = Number(options.limit ?? 50)
  const query = new URLSearchParams()
  for (const filter of filters) if (options[filter] !== undefined) query.set(filter, String(options[filter]))
  if (givenMesh !== undefined) query.set('mesh', givenMesh)
  query.set('limit', String(Math.min(limit, 1000)))

  const api = await invocation.api()
  const items: Entry[] = []
  let page = await api.get<Page>(`/audit?${query}`)
  const first = page
  for (;;) {
    items.push(...page.items)
    if (page.next === null || items.length >= limit) break
    page = await api.get<Page>(`/audit${new URL(page.next).search}`)
  }
  if (first.broken !== undefined) io.err(`the audit log is broken: ${first.broken}\n`)

  const shown = items.slice(0, limit)
  const table = (wide: boolean) => ({
    columns: ['SEQ', 'AGE', 'WHO', 'VERB', 'WHAT', 'RESULT', ...(wide ? ['FROM', 'STATUS', 'REASON'] : [])],
    rows: shown.map(entry => [
      String(entry.sequence),
      formatAge(entry.time, Date.now()),
      entry.who?.name ?? '-',
      entry.verb,
      whatOf(entry),
      resultOf(entry),
      ...(wide ? [entry.remote, String(entry.status ?? '-'), entry.reason ?? ''] : []),
    ]),
  })
  await printAnswer(
    { body: { ...first, items: shown, next: page.next }, items: shown, names: shown.map(({ sequence }) => String(sequence)), table },
    invocation,
  )
  return exitCodes.ok
}

function resultOf({ decision, status = 200 }: Entry): string {
  return decision === 'denied' ? 'denied' : status >= 400 ? 'failed' : 'done'
}

function whatOf({ area, kind, mesh, name, path, changes, detail }: Entry): string {
  if (changes) return `${changes.length} resources`
  if (area === 'tokens') return [kind ?? 'token', detail?.subject ?? detail?.id ?? detail?.kid].filter(Boolean).join(' ')
  if (kind === undefined) return path ?? area
  return [kind, [mesh, name].filter(Boolean).join('/')].filter(Boolean).join(' ')
}
