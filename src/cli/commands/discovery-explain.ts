import type { FoundThing } from '../../api/discovery.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { sourcePath, tellUnreachable, type Unreachable } from '../discovery-path.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

interface Explained {
  readonly items: readonly FoundThing[]
  readonly unreachable: readonly Unreachable[]
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, format, io } = invocation
  const [source, id] = args
  if (source === undefined || id === undefined)
    throw usageError('which thing of which source?', 'skerry discovery explain SOURCE PART-OF-ITS-ID')
  const api = await invocation.api()
  const body = await api.get<Explained>(sourcePath(invocation, source, 'explain', { id }))
  tellUnreachable(body.unreachable, invocation)
  if (body.items.length === 0) {
    io.err(`nothing that ${source} has found has ${id} in its id or name; skerry discovery test ${source} asks the platform now\n`)
    return exitCodes.failed
  }
  if (format === 'table' || format === 'wide') io.out(body.items.map(pageOf).join('\n'))
  else
    await printAnswer({ body, items: body.items, names: body.items.map(it => it.id), table: () => ({ columns: [], rows: [] }) }, invocation)
  return exitCodes.ok
}

function pageOf(thing: FoundThing): string {
  const { id, zone, scope, outcome, reason, workload, state, address, ports, dataplane, labels = {}, facts } = thing
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['Thing', id],
    ['Found in', `${scope} by zone ${zone}`],
    ['Outcome', outcome],
    ['Why', reason],
    ['Workload', workload],
    ['State', state],
    ['Address', address],
    ['Ports', ports?.map(({ name, port, protocol }) => `${name}:${port}:${protocol}`).join(', ')],
    ['Dataplane', dataplane],
    ...Object.entries(labels).map(([label, value]) => ['Label', `${label}=${value}`] as const),
    ...Object.entries(facts).map(([fact, value]) => ['Fact', `${fact}=${value}`] as const),
  ]
  return lines.flatMap(([title, value]) => (value === undefined ? [] : [`${title.padEnd(10)}${value}\n`])).join('')
}
