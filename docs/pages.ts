import type { Command } from 'commander'
import { buildTree, walk } from '../src/cli/command-line.ts'
import { exitCodeMeanings } from '../src/cli/exit-codes.ts'
import { processIo } from '../src/cli/io.ts'
import { flagUsage, formatDefault } from '../src/cli/program-help.ts'
import { loadProgramOptions, type Program, programs } from '../src/cli/programs.ts'
import { type Enforced, enforcement, unenforcedValues } from '../src/envoy/enforcement.ts'
import type { OptionSpec } from '../src/std/options.ts'

const note = '<!-- Made by `npm run docs` from tables in the source: edit those instead. -->\n'

/** The reference pages, by file name. */
export async function referencePages(): Promise<Readonly<Record<string, string>>> {
  return { 'cli.md': cliPage(), 'config.md': await configPage(), 'enforcement.md': enforcementPage() }
}

function enforcementPage(): string {
  const rows = Object.entries(enforcement).map(
    ([kind, { skerry, envoy, grpc }]) => `| ${kind} | ${enforcedCell(skerry)} | ${enforcedCell(envoy)} | ${enforcedCell(grpc)} |\n`,
  )
  const values = Object.entries(unenforcedValues).flatMap(([kind, paths]) =>
    Object.entries(paths).map(([path, { skerry, envoy, grpc }]) => {
      const cells = [skerry, envoy, grpc].map(values => values.map(value => `\`${value}\``).join(', ') || '–')
      return `| ${kind} | \`${path}\` | ${cells.join(' | ')} |\n`
    }),
  )
  return [
    note,
    '# What each data plane enforces\n',
    'Every policy is accepted, merged and shown by `skerry inspect dataplane NAME`. What the data plane of a proxy does not act on stands there as a warning, with the policy that asked for it; it has no effect on that proxy, and nothing else of its configuration suffers.\n',
    `| policy | built-in proxy | Envoy | gRPC without a proxy |\n|---|---|---|---|\n${rows.join('')}`,
    'Of these settings a data plane acts on some values only. What it does not know, it treats otherwise, and a warning says so:\n',
    `| policy | setting | not by the built-in proxy | not by Envoy | not by gRPC |\n|---|---|---|---|---|\n${values.join('')}`,
    'Of MeshRateLimit and MeshFaultInjection no data plane enforces rules with `matches`. A MeshAccessLog backend of type Tcp is written by none.\n',
  ].join('\n')
}

function enforcedCell(enforced: Enforced): string {
  if (enforced === 'all') return 'everything'
  return enforced === 'none' ? 'nothing' : enforced.map(path => `\`${path}\``).join(', ')
}

function cliPage(): string {
  const root = buildTree(processIo(), () => {})
  const commands = walk(root).filter(command => command.commands.length === 0 && command.name() !== 'help')
  return [
    note,
    '# Command line\n',
    '`npx skerry COMMAND` in a checkout. Data goes to stdout, everything else to stderr.\n',
    '## Flags of every command\n',
    optionTable(root),
    'Which control plane: `--api` wins over `SKERRY_API`, that over the demo (`.skerry/demo.json`) of this directory or of one above it.\n',
    'With `-o json` a failure is one problem object on stderr and nothing on stdout; `apply` and `delete` say what became of each object, and one problem for each that was refused. JSON is the body of the API, unchanged; tables may change.\n',
    '## Exit codes\n',
    `| code | meaning |\n|---|---|\n${exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |\n`).join('')}`,
    '## Commands\n',
    ...commands.map(commandSection),
  ].join('\n')
}

function commandSection(command: Command): string {
  const path: string[] = []
  for (let at: Command | null = command; at; at = at.parent) path.unshift(at.name())
  const isProgram = path.at(-1) === 'run'
  const parts = [
    `### ${path.slice(1).join(' ')}\n`,
    `${command.description().replace(/\.?$/, '.')}\n`,
    `\`\`\`\n${isProgram ? `${path.join(' ')} [options]` : `${path.join(' ')} ${command.usage()}`}\n\`\`\`\n`,
    command.registeredArguments.map(argument => `- \`${argument.name()}\`: ${argument.description}\n`).join(''),
    isProgram ? `Its settings: [config.md](config.md#skerry-${path[1]}-run).\n` : optionTable(command),
    `\`\`\`sh\n${examplesOf(command).join('\n')}\n\`\`\`\n`,
  ]
  return parts.filter(part => part !== '').join('\n')
}

function examplesOf(command: Command): string[] {
  let help = ''
  command.configureOutput({
    writeOut: text => {
      help += text
    },
  })
  command.outputHelp()
  return [...help.matchAll(/^ {2}\$ (.+)$/gm)].map(([, line]) => line!)
}

function optionTable({ options }: Command): string {
  const rows = options.map(
    ({ flags, description, argChoices }) =>
      `| \`${cell(flags)}\` | ${cell(description)}${argChoices ? `: ${argChoices.join(', ')}` : ''} |\n`,
  )
  return rows.length > 0 ? `| flag | |\n|---|---|\n${rows.join('')}` : ''
}

async function configPage(): Promise<string> {
  return [
    note,
    '# Settings of the programs\n',
    'Each setting is a flag, a variable and a key of the YAML file that `--config FILE` (`SKERRY_CONFIG`) names. A flag wins over a variable, a variable over the file, the file over the default.',
    'What a program does not know is an error that names the place: a misspelt key is never a silent default.\n',
    'Durations are written as `250ms`, `5s`, `1m30s`; addresses as `127.0.0.1:5681` or `[::1]:5681`, port 0 for any free one; lists as repeated flags, comma-separated variables or YAML lists.\n',
    ...(await Promise.all(programs.map(programSection))),
  ].join('\n')
}

async function programSection(program: Program): Promise<string> {
  const options = await loadProgramOptions(program)
  return [
    `## skerry ${program.name} ${program.verb}\n`,
    `${program.summary}.\n`,
    `\`\`\`sh\n${program.examples.join('\n')}\n\`\`\`\n`,
    `| flag | variable | key | default | |\n|---|---|---|---|---|\n${options.map(optionRow).join('')}`,
  ].join('\n')
}

function optionRow(option: OptionSpec): string {
  const flag = option.secret ? '–' : `\`${cell(flagUsage(option))}\``
  const fallback = option.required ? 'required' : formatDefault(option) && `\`${formatDefault(option)}\``
  return `| ${flag} | \`${option.env}\` | \`${option.key}\` | ${fallback} | ${cell(option.help)} |\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
