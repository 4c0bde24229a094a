import { grpcBootstrap } from '../../envoy/grpc/bootstrap.ts'
import { formatProblems, type OptionProblem } from '../../std/options.ts'
import { readOptions } from '../../std/read-options.ts'
import { reportStartError } from '../../std/run-program.ts'
import { writeDurably } from '../durable-file.ts'
import { grpcFolder } from '../grpc/grpc-folder.ts'
import { EXIT_USAGE, ProxyError } from '../proxy-error.ts'
import { socketPath } from '../socket-path.ts'
import { settleWho } from '../who.ts'
import { type BootstrapConfig, options } from './config.ts'

/** `skerry proxy bootstrap`. Resolves to an exit code. */
export async function runBootstrap(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  const resolved = await readOptions(options, argv, env)
  if (resolved.kind === 'invalid') return usage(resolved.problems)
  const config = resolved.values as unknown as BootstrapConfig
  if (!config.grpc) return usage([{ where: '--grpc', message: 'is needed: proxies of other kinds write their bootstrap themselves' }])
  if (config.token === undefined && config.tokenFile === undefined)
    return usage([{ where: '--token-file', message: 'is needed: it says who the application is; make one with skerry token dataplane' }])
  try {
    const text = await bootstrapOf(config)
    if (config.output === '-') process.stdout.write(text)
    else await writeDurably(config.output, text)
    return 0
  } catch (error) {
    const code = reportStartError(error)
    return error instanceof ProxyError ? error.exitCode : code
  }
}

/** What the application finds in the file that GRPC_XDS_BOOTSTRAP names. Needs no zone: all of it follows from who the application is. */
export async function bootstrapOf(config: Omit<BootstrapConfig, 'grpc' | 'output'>): Promise<string> {
  const { mesh, name, service, directory } = await settleWho({ ...config, role: 'sidecar' })
  const { adsSocket, identity } = grpcFolder(directory)
  const bootstrap = grpcBootstrap({ nodeId: `${mesh}.${name}`, service, adsSocket: socketPath(adsSocket), identityDirectory: identity })
  return `${JSON.stringify(bootstrap, null, 2)}\n`
}

function usage(problems: readonly OptionProblem[]): number {
  process.stderr.write(`${formatProblems(problems)}\n`)
  return EXIT_USAGE
}
