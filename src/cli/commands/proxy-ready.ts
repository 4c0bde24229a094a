import { CliError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

/** Longer than this, and whoever asks would not wait for the answer. ms */
const answerMs = 3000

/** Asks a proxy whether it is ready: for health checks of containers, in whose image there may be no other program. */
export async function run({ options, io }: Invocation): Promise<number> {
  const admin = options.admin as string
  let response: Response
  try {
    response = await fetch(`http://${admin}/ready`, { signal: AbortSignal.timeout(answerMs) })
  } catch (cause) {
    throw new CliError(`no proxy answers at ${admin}`, {
      code: 'SKERRY_UNREACHABLE',
      exitCode: exitCodes.unreachable,
      fix: 'give --admin HOST:PORT as it was given to skerry proxy run',
      cause,
    })
  }
  io.out(await response.text())
  return response.ok ? exitCodes.ok : exitCodes.temporary
}
