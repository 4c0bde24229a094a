import { systemClock } from '../std/clock.ts'
import { createLog } from '../std/log.ts'
import { formatProblems, type OptionProblem } from '../std/options.ts'
import { systemRandom } from '../std/random.ts'
import { readOptions } from '../std/read-options.ts'
import { announcePorts, reportStartError, untilSignal } from '../std/run-program.ts'
import { type AccessLogSink, openAccessLog } from './access-log-sink.ts'
import { options, type ProxyConfig, readProxyConfig } from './config.ts'
import { type RunningProxy, startProxy } from './proxy.ts'
import { EXIT_USAGE, ProxyError } from './proxy-error.ts'

/** `skerry proxy run`. Resolves to an exit code when it was told to stop, or cannot go on. */
export async function runProxy(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const resolved = await readOptions(options, argv, env)
  if (resolved.kind === 'invalid') return usage(resolved.problems)
  const read = readProxyConfig(resolved.values)
  if (read.kind === 'invalid') return usage(read.problems)
  const stopped = untilSignal()
  try {
    return await serve(read.config, stopped)
  } catch (error) {
    return reportFailure(error)
  }
}

async function serve(config: ProxyConfig, stopped: Promise<string>): Promise<number> {
  const log = createLog({ level: config.logLevel, name: `proxy ${config.name ?? config.service ?? config.role}` })
  const sink: AccessLogSink | null = config.accessLog === null ? null : await openAccessLog(config.accessLog)
  const proxy: RunningProxy = await startProxy(config, {
    clock: systemClock,
    random: systemRandom,
    log,
    ...(sink ? { accessLog: line => sink.write(line) } : {}),
  })
  await announcePorts(proxy.directory, `${config.role} ${proxy.name} in mesh ${proxy.mesh}, zone control plane ${config.cp}`, proxy.ports)
  const reason = await Promise.race([stopped, proxy.failed])
  log.info('stopping', { reason: reason instanceof Error ? reason.message : reason })
  await proxy.stop()
  await sink?.close()
  return reason instanceof Error ? reportFailure(reason) : 0
}

function usage(problems: readonly OptionProblem[]): number {
  process.stderr.write(`${formatProblems(problems)}\n`)
  return EXIT_USAGE
}

function reportFailure(error: unknown): number {
  const code = reportStartError(error)
  return error instanceof ProxyError ? error.exitCode : code
}
