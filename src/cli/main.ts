import { exitCodes } from './exit-codes.ts'
import { type Io, processIo } from './io.ts'
import { programOf, startProgram } from './programs.ts'

/** The edge: the only place that ends the process or prints an error. */
export async function main(): Promise<void> {
  const io = processIo()
  // The reader of a pipe may leave early (`skerry get … | head -1`): not a failure of ours.
  process.stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : exitCodes.failed))
  const argv = process.argv.slice(2)
  process.exitCode = await runCli(argv, io)
  // A program that has said how it ended is over: what it may have left open must not keep it.
  if (programOf(argv)) process.exit()
}

/** Runs one command line; resolves to its exit code, with everything printed. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  try {
    // Programs read their own flags, and start without the command parser.
    const program = programOf(argv)
    if (program) return await startProgram(program, argv.slice(2), io)
    const { runCommandLine } = await import('./command-line.ts')
    return await runCommandLine(argv, io)
  } catch (error) {
    const { errorAsJson, exitCodeOf, formatError } = await import('./cli-error.ts')
    io.err(wantsJson(argv) ? errorAsJson(error) : formatError(error))
    if (io.env.SKERRY_DEBUG && error instanceof Error) io.err(`${error.stack}\n`)
    return exitCodeOf(error)
  }
}

/** Read without the parser: the line itself may be what is wrong. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some((word, i) => {
    if (word === '--json' || word === '-ojson' || word === '-ojsonl' || word === '--output=json' || word === '--output=jsonl') return true
    return (word === '-o' || word === '--output') && (argv[i + 1] === 'json' || argv[i + 1] === 'jsonl')
  })
}
