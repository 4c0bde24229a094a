import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'
import { formatStatus, type Status } from '../output/status-page.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { format, io } = invocation
  const api = await invocation.api()
  const status = await api.get<Status>('/status')
  if (format === 'table' || format === 'wide') io.out(formatStatus(status, api.url.origin, Date.now()))
  else
    await printAnswer(
      { body: status, names: status.problems.map(({ about }) => about), table: () => ({ columns: [], rows: [] }) },
      invocation,
    )
  return exitCodes.ok
}
