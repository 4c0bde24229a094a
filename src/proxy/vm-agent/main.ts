import { systemClock } from '../../std/clock.ts'
import { createLog } from '../../std/log.ts'
import { formatProblems, type OptionProblem } from '../../std/options.ts'
import { systemRandom } from '../../std/random.ts'
import { readOptions } from '../../std/read-options.ts'
import { announcePorts, reportStartError, untilSignal } from '../../std/run-program.ts'
import { EXIT_USAGE, ProxyError } from '../proxy-error.ts'
import { type AgentConfig, options, readAgentConfig } from './config.ts'
import { startVmAgent } from './vm-agent.ts'

/** `skerry agent run`. Resolves to an exit code when it was told to stop, or cannot go on. */
export async function runAgent(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const resolved = await readOptions(options, argv, env)
  if (resolved.kind === 'invalid') return usage(resolved.problems)
  const read = await readAgentConfig(resolved.values)
  if (read.kind === 'invalid') return usage(read.problems)
  const stopped = untilSignal()
  try {
    return await serve(read.config, stopped)
  } catch (error) {
    return reportFailure(error)
  }
}

async function serve(config: AgentConfig, stopped: Promise<string>): Promise<number> {
  const log = createLog({ level: config.logLevel, name: 'agent' })
  const agent = await startVmAgent(config, { clock: systemClock, random: systemRandom, log })
  const services = Object.values(agent.names).join(', ')
  await announcePorts(agent.directory, `agent for ${services} in mesh ${agent.mesh}, zone control plane ${config.cp}`, agent.ports)
  const reason = await Promise.race([stopped, agent.failed])
  log.info('stopping', { reason: reason instanceof Error ? reason.message : reason })
  await agent.stop()
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
