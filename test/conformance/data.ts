import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

/**
 * Kuma's own test data (Apache-2.0, see the LICENSE in it), unmodified. `SKERRY_CONFORMANCE` names the folder that holds `kuma`; without
 * it, it lies beside the project.
 */
export function defaultDataFolder(): string {
  const conformance = process.env.SKERRY_CONFORMANCE ?? resolve(import.meta.dirname, '../../../shared/conformance')
  return join(conformance, 'kuma')
}

/** Why the data cannot be used, or undefined when it is there. */
export function whyAbsent(folder: string): string | undefined {
  if (existsSync(join(folder, 'pkg'))) return undefined
  return `Kuma's test data is not at ${folder}: SKERRY_CONFORMANCE names the folder that holds \`kuma\`, --data DIR the data itself`
}

/** Files under `folder` whose path `takes`, in order, relative to it. None when there is no such folder. */
export function filesUnder(folder: string, takes: (path: string) => boolean): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
    .filter(takes)
    .sort()
}

/** The documents of a YAML file, without empty ones. Throws what is wrong with the YAML. */
export function yamlDocuments<T = Record<string, unknown>>(text: string): T[] {
  return parseAllDocuments(text).flatMap(document => {
    if (document.errors[0]) throw document.errors[0]
    return (document.toJS() as T | null) ?? []
  })
}

export function readText(...path: string[]): string {
  return readFileSync(join(...path), 'utf8')
}

/** undefined when there is no such file. */
export function readTextIfThere(...path: string[]): string | undefined {
  const file = join(...path)
  return existsSync(dirname(file)) && existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
