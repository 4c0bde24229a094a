import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

interface SigningKey {
  readonly kid: string
  readonly type: string
  readonly signs: boolean
}

/** `list`, `rotate TYPE` or `retire TYPE KID`. */
export async function run(invocation: Invocation): Promise<number> {
  const [verb = 'list', type, kid] = invocation.args
  const api = await invocation.api()
  switch (verb) {
    case 'list':
      break
    case 'rotate': {
      if (type === undefined) throw usageError('the keys of which type of token?', 'skerry token keys rotate user')
      await api.ask('POST', `/tokens/keys/${encodeURIComponent(type)}`, {})
      break
    }
    case 'retire': {
      if (type === undefined || kid === undefined)
        throw usageError('which key?', 'skerry token keys lists them: skerry token keys retire user KID')
      await api.ask('DELETE', `/tokens/keys/${encodeURIComponent(type)}/${encodeURIComponent(kid)}`)
      break
    }
    default:
      throw usageError(`unknown command 'skerry token keys ${verb}'`, 'it is list, rotate TYPE or retire TYPE KID')
  }
  const body = await api.get<{ readonly items: readonly SigningKey[] }>('/tokens/keys')
  const { items } = body
  const table = () => ({
    columns: ['TYPE', 'KEY', 'USE'],
    rows: items.map(({ kid, type, signs }) => [type, kid, signs ? 'signs' : 'verifies only']),
  })
  await printAnswer({ body, items, names: items.map(({ kid }) => kid), table }, invocation)
  return exitCodes.ok
}
