import type { OptionSpec } from '../std/options.ts'
import { withConfigFile } from '../std/read-options.ts'
import { exitCodes } from './exit-codes.ts'
import type { Io } from './io.ts'

/**
 * A long-running program and where it lives. The CLI knows programs by name only and imports them when one is started: nothing of
 * theirs is loaded for any other command, and their folders stay independent of this one.
 */
export interface Program {
  readonly name: 'global' | 'zone' | 'proxy' | 'agent'
  /** Its second word. */
  readonly verb: 'run' | 'bootstrap'
  readonly folder: string
  /** The export of its `main.ts` that runs it. */
  readonly start: string
  readonly summary: string
  readonly examples: readonly string[]
}

export const programs: readonly Program[] = [
  {
    name: 'global',
    verb: 'run',
    folder: 'global-cp',
    start: 'runGlobal',
    summary: 'Run a global control plane',
    examples: ['skerry global run --data /var/lib/skerry/global --api 127.0.0.1:5681 --sync 0.0.0.0:5685'],
  },
  {
    name: 'zone',
    verb: 'run',
    folder: 'zone-cp',
    start: 'runZone',
    summary: 'Run a zone control plane, with a global or alone',
    examples: [
      'skerry zone run --zone aws-1 --data /var/lib/skerry/aws-1',
      'skerry zone run --zone aws-1 --data /var/lib/skerry/aws-1 --global https://global.example:5685 --zone-token-file zone.token',
    ],
  },
  {
    name: 'proxy',
    verb: 'run',
    folder: 'proxy',
    start: 'runProxy',
    summary: 'Run a sidecar, gateway or zone gateway',
    examples: [
      'skerry proxy run --cp 127.0.0.1:5678 --token-file hello.token --service hello --port 8080',
      'skerry proxy run --cp 127.0.0.1:5678 --token-file web.token --service web --port 50051 --engine grpc',
    ],
  },
  {
    name: 'proxy',
    verb: 'bootstrap',
    folder: 'proxy/grpc-bootstrap',
    start: 'runBootstrap',
    summary: "Write what an application with gRPC's own xDS client needs to find its zone",
    examples: [
      'skerry proxy bootstrap --grpc --token-file web.token --service web --data /var/lib/skerry/web --output grpc-bootstrap.json',
    ],
  },
  {
    name: 'agent',
    verb: 'run',
    folder: 'proxy/vm-agent',
    start: 'runAgent',
    summary: 'Register services of this machine that have no proxy',
    examples: [
      'skerry agent run --cp 10.0.0.5:5678 --token-file hello.token --service hello --port 8080 --check http:/healthz',
      'skerry agent run --cp 10.0.0.5:5678 --token-file shop.token --services services.yaml',
    ],
  },
]

/** Runs a program with its arguments; resolves to its exit code when it has ended. */
type Start = (argv: readonly string[], env: Readonly<Record<string, string | undefined>>) => Promise<number>

export function programOf([name, verb]: readonly string[]): Program | undefined {
  return programs.find(program => program.name === name && program.verb === verb)
}

export async function startProgram(program: Program, argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    const { formatProgramHelp } = await import('./program-help.ts')
    io.out(formatProgramHelp(program, await loadProgramOptions(program)))
    return exitCodes.ok
  }
  const main = (await import(programUrl(program, 'main.ts'))) as Readonly<Record<string, Start>>
  return await main[program.start]!(argv, io.env)
}

/** The table that the program's `config.ts` exports as `options`, and `--config`. */
export async function loadProgramOptions(program: Program): Promise<readonly OptionSpec[]> {
  const { options } = (await import(programUrl(program, 'config.ts'))) as { readonly options: readonly OptionSpec[] }
  return withConfigFile(options)
}

function programUrl(program: Program, file: string): string {
  return new URL(`../${program.folder}/${file}`, import.meta.url).href
}
