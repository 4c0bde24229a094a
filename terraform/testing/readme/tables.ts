import type { ModuleInterface } from './read-module.ts'

const begin = '<!-- Made by terraform/testing/readme/main.ts out of the module: edit that instead. -->'
const end = '<!-- End of what is made. -->'

/** A README with its tables as the module is now; the rest stays as it is written. */
export function withTables(readme: string, module: ModuleInterface): string {
  const made = `${begin}\n\n${tablesOf(module)}\n\n${end}`
  const start = readme.indexOf(begin)
  if (start < 0) return `${readme.trimEnd()}\n\n${made}\n`
  const stop = readme.indexOf(end, start)
  return readme.slice(0, start) + made + readme.slice(stop < 0 ? readme.length : stop + end.length)
}

function tablesOf({ inputs, outputs, providers }: ModuleInterface): string {
  return [
    ...table(
      'Inputs',
      ['name', 'type', 'default', ''],
      inputs.map(input => [
        code(input.name),
        code(input.type),
        input.default === undefined ? '**needed**' : code(input.default),
        input.description,
      ]),
    ),
    ...table(
      'Outputs',
      ['name', ''],
      outputs.map(output => [code(output.name), output.description]),
    ),
    ...table(
      'Providers',
      ['source', 'version'],
      providers.map(({ source, version }) => [code(source), code(version)]),
    ),
  ].join('\n\n')
}

function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [`## ${title}`, [line(heads), `|${heads.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')]
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}
