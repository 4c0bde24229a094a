import type { Released } from '../../api/discovery.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { sourcePath, tellUnreachable, type Unreachable } from '../discovery-path.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

interface Answer {
  readonly items: readonly Released[]
  readonly unreachable: readonly Unreachable[]
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, options } = invocation
  const [source] = args
  if (source === undefined) throw usageError('which source?', 'skerry discovery list shows which hold removals back')
  const { scope } = options as { readonly scope?: string }
  const api = await invocation.api()
  const body = (await api.ask('POST', sourcePath(invocation, source, 'release'), scope === undefined ? {} : { scope })).body as Answer
  tellUnreachable(body.unreachable, invocation)
  const table = () => ({
    columns: ['SOURCE', 'ZONE', 'REMOVED'],
    rows: body.items.map(({ source, zone, removed }) => [source, zone, String(removed)]),
  })
  await printAnswer({ body, items: body.items, names: body.items.map(it => it.source), table }, invocation)
  return exitCodes.ok
}
