import { readFile } from 'node:fs/promises'
import type { ConfigFile, OptionProblem, OptionSpec } from './options.ts'

/** The option that names the config file itself; every program's table has it. */
export const configFileOption = {
  flag: '--config',
  env: 'SKERRY_CONFIG',
  key: 'config',
  value: 'string',
  placeholder: 'FILE',
  help: 'YAML file with any of these settings; flags and variables win over it',
} as const satisfies OptionSpec

export type ReadConfigFile =
  | { readonly kind: 'none' }
  | { readonly kind: 'ok'; readonly file: ConfigFile }
  | { readonly kind: 'invalid'; readonly problems: readonly OptionProblem[] }

/** Reads the file that `--config` or SKERRY_CONFIG names, if one does. */
export async function readConfigFile(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<ReadConfigFile> {
  const named = nameConfigFile(argv, env)
  if (named === undefined) return { kind: 'none' }
  let text: string
  try {
    text = await readFile(named.path, 'utf8')
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    return invalid(named.where, `${JSON.stringify(named.path)}: ${why}`)
  }
  return await parseConfigFile(named.path, text)
}

/** Imports the YAML parser only here: most starts have no config file, and the parser costs a tenth of a start. */
export async function parseConfigFile(path: string, text: string): Promise<ReadConfigFile> {
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  const error = document.errors[0]
  if (error) return invalid(at(error.pos[0]), error.message)
  const values: unknown = document.toJS({ maxAliasCount: 100 }) ?? {}
  if (typeof values !== 'object' || Array.isArray(values))
    return invalid(`${path}:1:1`, 'a config file holds keys and values, e.g. "data: /var/lib/skerry"')
  const place = (key: string) => {
    const node = document.getIn(key.split('.'), true) as { range?: readonly [number, number, number] } | undefined
    return node?.range ? at(node.range[0]) : path
  }
  return { kind: 'ok', file: { values: values as Record<string, unknown>, place } }
}

function nameConfigFile(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { path: string; where: string } | undefined {
  const { flag, env: variable } = configFileOption
  for (const [i, word] of argv.entries()) {
    if (word.startsWith(`${flag}=`)) return { path: word.slice(flag.length + 1), where: flag }
    if (word === flag && argv[i + 1] !== undefined) return { path: argv[i + 1]!, where: flag }
  }
  const path = env[variable]
  return path ? { path, where: variable } : undefined
}

function invalid(where: string, message: string): { kind: 'invalid'; problems: readonly OptionProblem[] } {
  return { kind: 'invalid', problems: [{ where, message }] }
}
