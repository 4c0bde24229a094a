import type { KindDefinition } from '../../model/kind.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { collectionPath, findObject, itemPath, readNoun } from '../nouns.ts'
import { printAnswer } from '../output/format.ts'
import type { Overview } from '../output/overview.ts'
import { resourceTable } from '../output/resource-table.ts'
import type { WireObject } from '../output/wire-object.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { kind, name } = readNoun(invocation.args)
  return name === undefined ? await listAll(kind, invocation) : await showOne(kind, name, invocation)
}

async function listAll(kind: KindDefinition, invocation: Invocation): Promise<number> {
  const api = await invocation.api()
  const allMeshes = invocation.options.allMeshes === true
  const path = collectionPath(kind, invocation.mesh, allMeshes)
  const [body, overviews] = await Promise.all([
    api.list<WireObject>(path, filtersOf(invocation)),
    hasOverview(kind) && isTable(invocation)
      ? api.list<Overview>(`${path}/_overview`, filtersOf(invocation)).catch(() => undefined)
      : undefined,
  ])
  const items = body.items
  if (items.length === 0 && isTable(invocation)) {
    const where = [
      kind.scope === 'mesh' && !allMeshes ? ` in mesh ${invocation.mesh}` : '',
      invocation.zone === undefined ? '' : ` of zone ${invocation.zone}`,
    ]
    invocation.io.err(`no ${kind.path}${where.join('')}\n`)
    return exitCodes.ok
  }
  const table = (wide: boolean) => resourceTable(kind, items, { wide, allMeshes, nowMs: Date.now(), overviews: overviews?.items })
  await printAnswer({ body, items, names: items.map(item => `${kind.path}/${item.name}`), table }, invocation)
  return exitCodes.ok
}

async function showOne(kind: KindDefinition, name: string, invocation: Invocation): Promise<number> {
  const item = await findObject(kind, name, invocation)
  const api = await invocation.api()
  const overview =
    hasOverview(kind) && isTable(invocation)
      ? await api.get<Overview>(`${itemPath(kind, invocation.mesh, item.name)}/_overview`).catch(() => undefined)
      : undefined
  const table = (wide: boolean) =>
    resourceTable(kind, [item], { wide, allMeshes: false, nowMs: Date.now(), overviews: overview && [overview] })
  await printAnswer({ body: item, names: [`${kind.path}/${item.name}`], table }, invocation)
  return exitCodes.ok
}

/** `-z` and `-l` as the API's filters. */
function filtersOf({ zone, options }: Invocation): Record<string, string> {
  const filters: Record<string, string> = zone === undefined ? {} : { 'filter[labels.kuma.io/zone]': zone }
  for (const selector of (options.selector as readonly string[] | undefined) ?? []) {
    const equals = selector.indexOf('=')
    if (equals < 1) throw usageError(`--selector: ${JSON.stringify(selector)} is not KEY=VALUE`, 'write it as -l kuma.io/workload=web')
    filters[`filter[labels.${selector.slice(0, equals)}]`] = selector.slice(equals + 1)
  }
  return filters
}

/** Kinds whose state is worth a column, and which the API serves together with their insight. */
function hasOverview(kind: KindDefinition): boolean {
  return kind.kind === 'Dataplane' || kind.kind === 'Zone'
}

function isTable({ format }: Invocation): boolean {
  return format === 'table' || format === 'wide'
}
