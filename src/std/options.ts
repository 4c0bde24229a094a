import { didYouMean } from './did-you-mean.ts'
import { type OptionKind, type OptionTypes, parseOptionValue } from './option-value.ts'

/**
 * One setting of a program, declared once: its flag, its variable, its place in the config file, its documentation. A program's
 * `config.ts` exports a table of these (`export const options = [...] as const satisfies readonly OptionSpec[]`); help, reference
 * pages and validation are made from it.
 */
export interface OptionSpec {
  /** `--data`. A boolean also takes its negation: `--defaults` and `--no-defaults`. */
  readonly flag: `--${string}`
  /** `SKERRY_DATA` */
  readonly env: string
  /** Path in the YAML config file, dots between levels; also the name of the value: `data`, `sync.address`. */
  readonly key: string
  readonly value: OptionKind
  /** What stands for the value in help: `DIR`. */
  readonly placeholder: string
  /** One sentence, without a full stop. */
  readonly help: string
  readonly default?: OptionTypes[OptionKind]
  /** Left out, resolving fails. */
  readonly required?: boolean
  /** The only values there are. */
  readonly choices?: readonly string[]
  /** Never printed; not allowed as a flag (arguments are visible to every user of a machine). */
  readonly secret?: boolean
}

/** The values of a table: what has a default or is required is there, anything else may be undefined. */
export type OptionValues<Specs extends readonly OptionSpec[]> = {
  readonly [S in Specs[number] as S['key']]: S extends { required: true } | { default: OptionTypes[OptionKind] }
    ? ValueOf<S>
    : ValueOf<S> | undefined
}
type ValueOf<S extends OptionSpec> = S extends { choices: readonly (infer Choice)[] } ? Choice : OptionTypes[S['value']]

/** Where a value came from, for people: `--data`, `SKERRY_DATA`, `zone.yaml:3:7`, `default`. */
export type Origins = Readonly<Record<string, string>>

export interface OptionProblem {
  /** The flag, variable or line: `--api`, `SKERRY_API`, `zone.yaml:3:7 api`. */
  readonly where: string
  readonly message: string
}

export type ResolvedOptions<Specs extends readonly OptionSpec[]> =
  | { readonly kind: 'ok'; readonly values: OptionValues<Specs>; readonly origins: Origins }
  | { readonly kind: 'invalid'; readonly problems: readonly OptionProblem[] }

/** A config file, read and parsed (`config-file.ts`). */
export interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>
  /** `FILE:LINE:COLUMN` of a key path. */
  place(path: string): string
}

export interface OptionSources {
  /** Arguments after the command's name: `['--data', '/tmp/x', '--no-defaults']`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly configFile?: ConfigFile
}

/** A flag wins over a variable, a variable over the config file, that over the default. Collects every problem. */
export function resolveOptions<const Specs extends readonly OptionSpec[]>(specs: Specs, sources: OptionSources): ResolvedOptions<Specs> {
  const problems: OptionProblem[] = []
  const flags = parseFlags(specs, sources.argv, problems)
  const file = flattenFile(specs, sources.configFile, problems)
  const values: Record<string, unknown> = {}
  const origins: Record<string, string> = {}
  for (const spec of specs) {
    const given = firstGiven(spec, flags, sources, file)
    if (given === undefined) {
      if (spec.required && spec.default === undefined) problems.push({ where: spec.flag, message: missing(spec) })
      values[spec.key] = spec.default
      origins[spec.key] = 'default'
      continue
    }
    const parsed = parseOptionValue(spec.value, given.raw)
    const shown = spec.secret ? '(hidden)' : JSON.stringify(given.raw)
    if (parsed.kind === 'bad') problems.push({ where: given.where, message: `${shown} is not ${parsed.wanted}` })
    else if (spec.choices && !spec.choices.includes(String(parsed.value))) {
      problems.push({
        where: given.where,
        message: `${shown} is none of ${spec.choices.join(', ')}${didYouMean(String(parsed.value), spec.choices)}`,
      })
    } else {
      values[spec.key] = parsed.value
      origins[spec.key] = given.where
    }
  }
  if (problems.length > 0) return { kind: 'invalid', problems }
  return { kind: 'ok', values: Object.freeze(values) as OptionValues<Specs>, origins }
}

/** What a program prints before it exits with 64. */
export function formatProblems(problems: readonly OptionProblem[]): string {
  const lines = problems.map(problem => `error: ${describeProblem(problem)}`)
  return [...lines, 'fix: the same command with --help lists every setting', 'code: SKERRY_USAGE'].join('\n')
}

export function describeProblem({ where, message }: OptionProblem): string {
  return `${where}: ${message}`
}

interface Given {
  readonly raw: unknown
  readonly where: string
}

function firstGiven(
  spec: OptionSpec,
  flags: ReadonlyMap<string, unknown>,
  sources: OptionSources,
  file: ReadonlyMap<string, unknown>,
): Given | undefined {
  if (flags.has(spec.flag)) return { raw: flags.get(spec.flag), where: spec.flag }
  const variable = sources.env[spec.env]
  // An empty variable is how shells and unit files say "not set".
  if (variable !== undefined && variable !== '') return { raw: variable, where: spec.env }
  if (file.has(spec.key)) return { raw: file.get(spec.key), where: `${sources.configFile!.place(spec.key)} ${spec.key}` }
  return undefined
}

/** Raw values by flag; a list's are collected. */
function parseFlags(specs: readonly OptionSpec[], argv: readonly string[], problems: OptionProblem[]): Map<string, unknown> {
  const byFlag = new Map(specs.map(spec => [spec.flag as string, spec]))
  const found = new Map<string, unknown>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    const equals = word.indexOf('=')
    const flag = equals < 0 ? word : word.slice(0, equals)
    const inline = equals < 0 ? undefined : word.slice(equals + 1)
    const negated = flag.startsWith('--no-') ? byFlag.get(`--${flag.slice(5)}`) : undefined
    const spec = byFlag.get(flag)
    if (spec === undefined && negated?.value === 'boolean' && inline === undefined) {
      found.set(negated.flag, false)
    } else if (spec === undefined) {
      problems.push({ where: word, message: unknownFlag(flag, byFlag.keys()) })
      // What follows an unknown flag is most likely its value: not a second mistake.
      if (word.startsWith('-') && inline === undefined && argv[i + 1] !== undefined && !argv[i + 1]!.startsWith('-')) i++
    } else if (spec.secret) {
      problems.push({ where: flag, message: `a secret may not be an argument; set ${spec.env} or ${spec.key} in the config file` })
      if (inline === undefined) i++
    } else if (spec.value === 'boolean') {
      found.set(flag, inline ?? true)
    } else {
      const value = inline ?? argv[i + 1]
      if (inline === undefined) i++
      if (value === undefined || (inline === undefined && value.startsWith('--'))) {
        problems.push({ where: flag, message: `wants a value: ${flag} ${spec.placeholder}` })
        if (value !== undefined) i--
      } else if (spec.value === 'list') {
        found.set(flag, [...((found.get(flag) as string[] | undefined) ?? []), ...value.split(',').filter(item => item !== '')])
      } else found.set(flag, value)
    }
  }
  return found
}

function unknownFlag(flag: string, flags: Iterable<string>): string {
  if (!flag.startsWith('-')) return 'no argument is expected here'
  return `unknown flag${didYouMean(flag, flags)}`
}

/** The file's leaves by key path. Whatever the table does not know is a problem: a misspelt key must not be a silent default. */
function flattenFile(specs: readonly OptionSpec[], file: ConfigFile | undefined, problems: OptionProblem[]): Map<string, unknown> {
  const keys = new Set(specs.map(spec => spec.key))
  const leaves = new Map<string, unknown>()
  const visit = (values: Readonly<Record<string, unknown>>, prefix: string) => {
    for (const [name, value] of Object.entries(values)) {
      const path = prefix + name
      if (keys.has(path)) {
        if (value !== null) leaves.set(path, value)
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        visit(value as Record<string, unknown>, `${path}.`)
      } else problems.push({ where: `${file!.place(path)} ${path}`, message: `unknown key${didYouMean(path, keys)}` })
    }
  }
  if (file) visit(file.values, '')
  return leaves
}

function missing(spec: OptionSpec): string {
  const flag = spec.secret ? '' : `give ${spec.flag} ${spec.placeholder}, or `
  return `is needed (${spec.help}): ${flag}set ${spec.env} or ${spec.key} in the config file`
}
