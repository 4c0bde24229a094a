import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type Import, readImports, readSource } from './source-text.ts'

export const root: string = resolve(import.meta.dirname, '..')

/** A file of `src/`, with what it imports. Paths are relative to `src/`. */
export interface SourceFile {
  readonly path: string
  /** The top folder. */
  readonly folder: string
  readonly isTest: boolean
  /** Without comments and texts. */
  readonly words: string
  readonly imports: readonly Import[]
}

/** Everything under `src/` but what is generated (its imports count as none). */
export function readSourceFiles(): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith('gen/'))
    .sort()
    .map(path => {
      const text = readSource(readFileSync(join(root, 'src', path), 'utf8'))
      return { path, folder: path.split('/')[0]!, isTest: isTestFile(path), words: text.words, imports: readImports(text) }
    })
}

/** Tests, contracts and what only they use. */
function isTestFile(path: string): boolean {
  return /\.(test|contract)\.ts$/.test(path) || /(^|\/)(test-|testing|fake-)[^/]*(\.ts|\/)/.test(path)
}

/** The file under `src/` that an import names; undefined for packages, Node's own modules and files elsewhere. */
export function targetOf(file: SourceFile, { specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = relative(join(root, 'src'), resolve(root, 'src', dirname(file.path), specifier))
  return path.startsWith('..') ? undefined : path
}

export interface Architecture {
  /** Who may import whom: top folder → top folders. */
  readonly arrows: ReadonlyMap<string, ReadonlySet<string>>
  /** Files and folders without waiting, clock, chance or disk. */
  readonly pure: readonly string[]
  /** Files that may read the environment. */
  readonly environment: readonly string[]
}

/** ARCHITECTURE.md is the source: the tables in it are what is tested. */
export function readArchitecture(): Architecture {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const arrows = new Map(
    rowsUnder(text, 'Who may import whom').map(([folder, imports]) => [namesIn(folder)[0]!, new Set(namesIn(imports))]),
  )
  return { arrows, pure: namesIn(sectionOf(text, 'What is pure')), environment: namesIn(sectionOf(text, 'Who reads the environment')) }
}

function sectionOf(text: string, title: string): string {
  const [, section] = text.split(new RegExp(`^#+ ${title}$`, 'm'))
  if (section === undefined) throw new Error(`ARCHITECTURE.md has no section "${title}"`)
  return section.split(/^#+ /m)[0]!
}

function rowsUnder(text: string, title: string): [string, string][] {
  const rows = sectionOf(text, title)
    .split('\n')
    .filter(line => line.startsWith('|'))
  return rows.slice(2).map(row => row.split('|').slice(1, 3) as [string, string])
}

/** Everything in backquotes. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
}

/** The names of pure files and folders that exist: one that moved must not silently stop being checked. */
export function missingPaths(paths: readonly string[]): string[] {
  return paths.filter(path => !existsSync(join(root, 'src', path)))
}

export function isUnder(path: string, entries: readonly string[]): boolean {
  return entries.some(entry => path === entry || path.startsWith(entry.endsWith('/') ? entry : `${entry}/`))
}

/** One ring of files that load each other at start, or undefined. */
export function findRing(files: readonly SourceFile[]): string[] | undefined {
  const edges = new Map(
    files.map(file => [file.path, file.imports.filter(({ kind }) => kind === 'value').flatMap(it => targetOf(file, it) ?? [])]),
  )
  const done = new Set<string>()
  const trail: string[] = []
  const visit = (path: string): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    trail.push(path)
    for (const next of edges.get(path) ?? []) {
      const ring = visit(next)
      if (ring) return ring
    }
    trail.pop()
    done.add(path)
    return undefined
  }
  for (const { path } of files) {
    const ring = visit(path)
    if (ring) return ring
  }
  return undefined
}

export function topFolders(): string[] {
  return readdirSync(join(root, 'src')).filter(name => statSync(join(root, 'src', name)).isDirectory())
}
