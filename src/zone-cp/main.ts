import { systemClock } from '../std/clock.ts'
import { createLog } from '../std/log.ts'
import { formatProblems } from '../std/options.ts'
import { readOptions } from '../std/read-options.ts'
import { announcePorts, reportStartError, untilSignal } from '../std/run-program.ts'
import { options } from './config.ts'
import { startZone } from './zone-cp.ts'

/** `skerry zone run`. Resolves to an exit code when it was told to stop. */
export async function runZone(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const config = await readOptions(options, argv, env)
  if (config.kind === 'invalid') {
    process.stderr.write(`${formatProblems(config.problems)}\n`)
    return 64
  }
  const { values } = config
  const log = createLog({ level: values.logLevel as 'info', name: `zone ${values.zone}` })
  const stopped = untilSignal()
  let zone: Awaited<ReturnType<typeof startZone>>
  try {
    zone = await startZone(values, { clock: systemClock, log, env })
  } catch (error) {
    return reportStartError(error)
  }
  await announcePorts(
    values.data,
    `zone ${values.zone}${values.global ? ` of ${values.global}` : ', without a global'}\n  admin token in ${zone.adminToken.file}`,
    zone.ports,
  )
  log.info('ready', { zone: values.zone })
  const reason = await Promise.race([stopped, zone.failed])
  log.info('stopping', { reason: reason instanceof Error ? reason.message : reason })
  await zone[Symbol.asyncDispose]()
  return reason instanceof Error ? 74 : 0
}
