import { type Address, formatAddress } from '../std/option-value.ts'
import type { OptionSpec } from '../std/options.ts'
import { formatFields } from './output/table.ts'
import type { Program } from './programs.ts'

export function formatProgramHelp(program: Program, options: readonly OptionSpec[]): string {
  const flags = options.filter(option => !option.secret)
  return [
    `Usage: skerry ${program.name} ${program.verb} [options]\n\n${program.summary}.\n`,
    `\nOptions:\n${formatFields(
      flags.map(option => [flagUsage(option), `${option.help}${details(option)}`]),
      '  ',
    )}`,
    '\nEvery option has a variable (in brackets) and a key in the YAML file that --config names; flags win over variables, variables over the file.\n',
    `\nExamples:\n${program.examples.map(example => `  $ ${example}\n`).join('')}`,
  ].join('')
}

/** `--data DIR`; a switch that is on unless said otherwise is shown with what turns it off. */
export function flagUsage(option: OptionSpec): string {
  if (option.value === 'boolean') return option.default === true ? `${option.flag}, --no-${option.flag.slice(2)}` : option.flag
  return `${option.flag} ${option.choices?.join('|') ?? option.placeholder}`
}

/** The default as a person would write it; '' when there is none. */
export function formatDefault(option: OptionSpec): string {
  const value = option.default
  if (value === undefined || option.secret || (Array.isArray(value) && value.length === 0) || value === false) return ''
  if (option.value === 'address') return formatAddress(value as Address)
  if (option.value === 'duration') return (value as number) % 1000 === 0 ? `${(value as number) / 1000}s` : `${value}ms`
  return String(value)
}

function details(option: OptionSpec): string {
  const fallback = option.value === 'boolean' ? '' : formatDefault(option)
  const notes = [option.required ? 'required' : '', fallback && `default ${fallback}`].filter(Boolean)
  return `${notes.length ? ` (${notes.join(', ')})` : ''} [${option.env}]`
}
