import { Command, CommanderError, Option } from 'commander'
import { didYouMean } from '../std/did-you-mean.ts'
import { version } from '../std/version.ts'
import { ApiClient } from './api-client.ts'
import { type CliError, usageError } from './cli-error.ts'
import type { CommandDefinition } from './command.ts'
import { commands } from './command-table.ts'
import { type ConnectionFlags, findConnection } from './connection.ts'
import { exitCodes } from './exit-codes.ts'
import type { Io } from './io.ts'
import { type OutputFormat, outputFormats } from './output/format.ts'
import { programOf, programs, startProgram } from './programs.ts'

interface GlobalOptions extends ConnectionFlags {
  readonly mesh?: string
  readonly zone?: string
  readonly output?: OutputFormat
  readonly json?: boolean
  readonly headers: boolean
  readonly color: boolean
}

/** Parses a line against the table and runs what it names; resolves to the exit code. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.ok
  const root = buildTree(io, code => {
    exitCode = code
  })
  if (argv.length === 0) {
    root.outputHelp()
    return exitCodes.ok
  }
  try {
    await root.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return exitCodes.ok
    throw wrongUsage(error, root, argv)
  }
  return exitCode
}

/** The whole tree, for parsing, for help and for whoever walks it. */
export function buildTree(io: Io, done: (exitCode: number) => void): Command {
  const root = new Command('skerry')
    .description('Service registry, discovery mesh and API gateway across clouds')
    .option('--api <url>', 'control plane to talk to [SKERRY_API]; without it, the demo of this directory')
    .option('--token-file <file>', 'user token to show it [SKERRY_TOKEN_FILE]')
    .option('--ca-file <file>', 'authority to trust, PEM [SKERRY_CA_FILE]; without it, the one that the token names')
    .option('-m, --mesh <name>', 'mesh to look into (default "default")')
    .option('-z, --zone <name>', 'only what belongs to this zone')
    .addOption(new Option('-o, --output <format>', 'form of the answer (default "table")').choices([...outputFormats]))
    .option('--json', 'the same as -o json')
    .option('--no-headers', 'tables without their first line')
    .option('--no-color', 'no colours')
    .version(`skerry ${version}`, '-V, --version', 'the same as skerry version')
    .helpCommand(false)
    .addHelpText(
      'after',
      `\nExamples:\n${['skerry status', 'skerry get dataplanes', 'skerry apply -f policy.yaml', 'skerry help token dataplane'].map(line => `  $ ${line}\n`).join('')}`,
    )
  const groups = new Map<string, Command>()
  for (const definition of commands) {
    const [first, second] = definition.path
    if (second === undefined) configure(root.command(first!), definition, root, io, done)
    else configure(groupOf(root, groups, first!).command(second), definition, root, io, done)
  }
  for (const program of programs) {
    groupOf(root, groups, program.name)
      .command(program.verb)
      .summary(program.summary)
      .description(program.summary)
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText('after', examplesText(program.examples))
      .action(async (_options: unknown, command: Command) => done(await startProgram(program, command.args, io)))
  }
  root
    .command('help')
    .summary('Show the help of a command')
    .description('Show the help of a command')
    .argument('[command...]', 'its words, e.g. token dataplane')
    .action(async (words: readonly string[]) => {
      if (programOf(words)) done(await startProgram(programOf(words)!, ['--help'], io))
      else find(root, words).outputHelp()
    })
  // After all commands are there: settings are copied to commands as they are made only for those that come later.
  for (const command of walk(root)) {
    command.exitOverride().configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: () => {},
      ...(io.columns ? { getOutHelpWidth: () => io.columns! } : {}),
    })
    command.configureHelp({ showGlobalOptions: true })
  }
  return root
}

export function walk(command: Command): Command[] {
  return [command, ...command.commands.flatMap(walk)]
}

function find(root: Command, words: readonly string[]): Command {
  let command = root
  for (const word of words) {
    const next = command.commands.find(candidate => candidate.name() === word)
    if (next === undefined) {
      const names = command.commands.map(candidate => candidate.name())
      const line = ['skerry', ...words.slice(0, words.indexOf(word))].join(' ')
      throw usageError(`unknown command '${line} ${word}'${didYouMean(word, names)}`, `${line} --help lists what there is`)
    }
    command = next
  }
  return command
}

const groupSummaries: Readonly<Record<string, string>> = {
  token: 'Make and revoke tokens for proxies, zones and people',
  discovery: 'Where workloads are found that do not register themselves',
  audit: 'What was done, by whom',
  global: 'The global control plane',
  zone: 'The zone control plane',
  proxy: 'The proxy',
}

function groupOf(root: Command, groups: Map<string, Command>, name: string): Command {
  let group = groups.get(name)
  if (group === undefined) {
    const examples = [...commands.filter(({ path }) => path[0] === name), ...programs.filter(program => program.name === name)].flatMap(
      ({ examples }) => examples,
    )
    group = root
      .command(name)
      .summary(groupSummaries[name] ?? name)
      .description(groupSummaries[name] ?? name)
      .addHelpText('after', examplesText(examples))
    const made = group
    made.allowExcessArguments().action(() => {
      const [word] = made.args
      const names = made.commands.map(command => command.name())
      const message =
        word === undefined
          ? `skerry ${name} wants a command: ${names.join(', ')}`
          : `unknown command 'skerry ${name} ${word}'${didYouMean(word, names)}`
      throw usageError(message, `skerry ${name} --help lists its commands`)
    })
    groups.set(name, group)
  }
  return group
}

function configure(command: Command, definition: CommandDefinition, root: Command, io: Io, done: (exitCode: number) => void): void {
  command.summary(definition.summary).description(definition.description ?? `${definition.summary}.`)
  for (const argument of definition.arguments ?? []) command.argument(argument.name, argument.help)
  for (const option of definition.options ?? []) {
    const made = new Option(option.flags, option.help)
    if (option.choices) made.choices([...option.choices])
    if (option.default !== undefined) made.default(option.default)
    if (option.repeatable) made.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value])
    command.addOption(made)
  }
  command.addHelpText('after', examplesText(definition.examples))
  command.action(async () => {
    const { run } = await definition.load()
    const globals = root.opts<GlobalOptions>()
    let client: Promise<ApiClient> | undefined
    try {
      const exitCode = await run({
        args: command.processedArgs as (string | undefined)[],
        options: command.opts(),
        mesh: globals.mesh ?? 'default',
        givenMesh: globals.mesh,
        zone: globals.zone,
        format: globals.json ? 'json' : (globals.output ?? 'table'),
        headers: globals.headers,
        io: globals.color ? io : { ...io, colour: false },
        api: () => {
          client ??= findConnection(globals, io.env, io.cwd).then(connection => new ApiClient(connection))
          return client
        },
      })
      done(exitCode)
    } finally {
      await client?.then(
        opened => opened[Symbol.asyncDispose](),
        () => {},
      )
    }
  })
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map(example => `  $ ${example}\n`).join('')}`
}

/** Commander's message says what is wrong and, in brackets on a second line, what may have been meant. */
function wrongUsage(error: CommanderError, root: Command, argv: readonly string[]): CliError {
  const named = argv.at(-1)
  if (error.code === 'commander.excessArguments' && argv[0] === 'apply') {
    return usageError(`files are named with -f, and ${named} stands alone`, `skerry apply -f ${named}`)
  }
  const [what = '', guess = ''] = error.message.replace(/^error: /, '').split('\n')
  return usageError(`${what}${guess && ` ${guess.replace('(D', '(d')}`}`, `${commandOf(root, argv)} --help lists what there is`)
}

/** The command that a line was about, as far as its words lead. */
function commandOf(root: Command, argv: readonly string[]): string {
  let command = root
  const words = ['skerry']
  for (const word of argv) {
    const next = command.commands.find(candidate => candidate.name() === word)
    if (next === undefined) continue
    command = next
    words.push(word)
  }
  return words.join(' ')
}
