import { configFileOption, readConfigFile } from './config-file.ts'
import { type OptionSpec, type ResolvedOptions, resolveOptions } from './options.ts'

/** What a program's `config.ts` calls: its table against arguments, environment and the config file that those name (`--config`, which a
 *  table need not list). */
export async function readOptions<const Specs extends readonly OptionSpec[]>(
  specs: Specs,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ResolvedOptions<Specs>> {
  const read = await readConfigFile(argv, env)
  if (read.kind === 'invalid') return read
  const withConfig = withConfigFile(specs) as unknown as Specs
  return resolveOptions(withConfig, { argv, env, ...(read.kind === 'ok' ? { configFile: read.file } : {}) })
}

/** A program's table as people see it: with `--config`. */
export function withConfigFile(specs: readonly OptionSpec[]): readonly OptionSpec[] {
  return specs.some(spec => spec.key === configFileOption.key) ? specs : [...specs, configFileOption]
}
