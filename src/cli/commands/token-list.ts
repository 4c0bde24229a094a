import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatAge, formatDuration } from '../output/duration.ts'
import { printAnswer } from '../output/format.ts'

interface MadeToken {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly groups?: readonly string[]
  readonly issued: string
  readonly issuedBy: string
  readonly expires: string
  readonly state: string
}

export async function run(invocation: Invocation): Promise<number> {
  if (invocation.options.inUse === true) return await listInUse(invocation)
  const api = await invocation.api()
  const body = await api.get<{ readonly items: readonly MadeToken[] }>('/tokens')
  const all = invocation.options.all === true
  const items = all ? body.items : body.items.filter(({ state }) => state === 'active')
  const now = Date.now()
  const table = (wide: boolean) => ({
    columns: ['ID', 'TYPE', 'SUBJECT', 'STATE', 'AGE', 'ENDS IN', 'BY', ...(wide ? ['GROUPS'] : [])],
    rows: items.map(({ id, type, subject, groups = [], issued, issuedBy, expires, state }) => [
      id,
      type,
      subject,
      state,
      formatAge(issued, now),
      state === 'active' ? formatDuration(Date.parse(expires) - now) : '-',
      issuedBy,
      ...(wide ? [groups.join(',')] : []),
    ]),
  })
  await printAnswer({ body: { ...body, total: items.length, items }, items, names: items.map(({ id }) => id), table }, invocation)
  return exitCodes.ok
}

interface TokenInUse {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly state: string
  readonly expires: string
  readonly count: number
}

async function listInUse(invocation: Invocation): Promise<number> {
  const body = await (await invocation.api()).get<{ readonly items: readonly TokenInUse[] }>('/tokens/in-use')
  const { items } = body
  const table = () => ({
    columns: ['ID', 'TYPE', 'SUBJECT', 'STATE', 'ENDS', 'STREAMS'],
    rows: items.map(({ id, type, subject, state, expires, count }) => [id, type, subject, state, expires, String(count)]),
  })
  await printAnswer({ body, items, names: items.map(({ id }) => id), table }, invocation)
  return exitCodes.ok
}
