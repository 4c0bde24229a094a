import type { DiscoveryScope, DiscoverySourceView } from '../../api/discovery.ts'
import type { Invocation } from '../command.ts'
import { discoveryPath, tellUnreachable, type Unreachable } from '../discovery-path.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatAge } from '../output/duration.ts'
import { printAnswer } from '../output/format.ts'

interface Listed {
  readonly items: readonly DiscoverySourceView[]
  readonly unreachable: readonly Unreachable[]
}

/** A row for each source and scope. A source that has none yet gets one all the same. */
export async function run(invocation: Invocation): Promise<number> {
  const api = await invocation.api()
  const body = await api.get<Listed>(discoveryPath('/discovery/sources', { zone: invocation.zone, mesh: invocation.givenMesh }))
  tellUnreachable(body.unreachable, invocation)
  const now = Date.now()
  const table = (wide: boolean) => ({
    columns: [
      'SOURCE',
      'TYPE',
      'ZONE',
      'SCOPE',
      'STATE',
      'WORKLOADS',
      'LEFT OUT',
      'HELD',
      'SYNCED',
      ...(wide ? ['CALLS', 'PAGES', 'FOLLOWS'] : []),
      'REASON',
    ],
    rows: body.items.flatMap(source => rowsOf(source, now, wide)),
  })
  await printAnswer({ body, items: body.items, names: body.items.map(({ name }) => name), table }, invocation)
  return exitCodes.ok
}

function rowsOf(source: DiscoverySourceView, now: number, wide: boolean): string[][] {
  const { name, type, zone, enabled, error, problems, scopes } = source
  const head = [name, type, zone]
  const none = ['-', '-', '-', '-', ...(wide ? ['-', '-', '-'] : [])]
  const whole = enabled
    ? error === ''
      ? []
      : [[...head, '-', 'Failing', ...none, error]]
    : [[...head, '-', 'Suspended', ...none, 'it is not enabled']]
  const more = problems.map(problem => [...head, '-', '!', ...none, problem])
  const rows = scopes.map(scope => [...head, ...scopeRow(scope, now, wide)])
  const all = [...whole, ...rows, ...more]
  return all.length > 0 ? all : [[...head, '-', 'Connecting', ...none, '']]
}

function scopeRow(
  { scope, state, reason, workloads, leftOut, held, lastSync, calls, pages, follows }: DiscoveryScope,
  now: number,
  wide: boolean,
): string[] {
  const synced = formatAge(lastSync, now)
  const effort = wide ? [String(calls), String(pages), follows ? 'yes' : 'no'] : []
  return [scope, state, String(workloads), String(leftOut), String(held.length), synced, ...effort, reason]
}
