import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { findRing, isUnder, missingPaths, readArchitecture, readSourceFiles, root, targetOf, topFolders } from './architecture.ts'
import { readImports, readSource } from './source-text.ts'

const files = readSourceFiles()
const architecture = readArchitecture()
const programs = ['zone-cp', 'global-cp', 'proxy', 'cli']

test('every folder of src has a row in the table, and every row a folder', () => {
  assert.deepEqual([...architecture.arrows.keys()].sort(), topFolders().sort())
})

test('folders import only what the table of ARCHITECTURE.md lets them', () => {
  const wrong = files.flatMap(file =>
    file.imports.flatMap(it => {
      const target = targetOf(file, it)?.split('/')[0]
      const allowed = target === undefined || target === file.folder || architecture.arrows.get(file.folder)?.has(target)
      return allowed ? [] : [`src/${file.path}:${it.line} imports ${target} (${it.specifier})`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test('the table has no ring and lets no program import another', () => {
  const reach = (folder: string, seen = new Set<string>()): Set<string> => {
    for (const next of architecture.arrows.get(folder) ?? []) if (!seen.has(next)) reach(next, seen.add(next))
    return seen
  }
  for (const folder of architecture.arrows.keys()) {
    assert(!reach(folder).has(folder), `${folder} reaches itself`)
    for (const program of programs) assert(!reach(folder).has(program), `${folder} reaches the program ${program}`)
  }
})

test('no files load each other in a ring', () => {
  assert.equal(findRing(files)?.join(' → '), undefined)
})

/** What makes the same call answer differently, or later. */
const impure: readonly (readonly [RegExp, string])[] = [
  [/\bawait\b/, 'await'],
  [/\basync\b/, 'async'],
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bperformance\.now\b/, 'performance.now'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bcrypto\.(random|getRandom)/, 'crypto.random'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'a timer'],
  [/\bprocess\./, 'process'],
]
const impureModules = /^node:(fs|net|tls|http|https|http2|dns|dgram|child_process|worker_threads|timers|os|sqlite|cluster)(\/|$)/

test('what is pure does not wait, knows no clock and no chance, and touches no disk or socket', () => {
  const pure = files.filter(file => !file.isTest && isUnder(file.path, architecture.pure))
  const wrong = pure.flatMap(file => [
    ...impure.filter(([pattern]) => pattern.test(file.words)).map(([, name]) => `src/${file.path}: ${name}`),
    ...file.imports
      .filter(it => it.kind !== 'type' && impureModules.test(it.specifier))
      .map(it => `src/${file.path}:${it.line}: ${it.specifier}`),
  ])
  assert.deepEqual(wrong, [])
})

test('files named as pure are there', () => {
  assert.deepEqual(missingPaths(architecture.pure), [])
})

test('the environment is read in the configuration of programs and at the edge of the CLI alone', () => {
  const wrong = files.filter(file => !file.isTest && !isUnder(file.path, architecture.environment) && /\bprocess\.env\b/.test(file.words))
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test('the CLI names programs without importing them', () => {
  const named = files
    .filter(file => file.folder === 'cli')
    .flatMap(file => file.imports.filter(it => programs.some(program => it.specifier.includes(`/${program}/`))))
  assert.deepEqual(named, [])
})

test('source depends on declared packages only', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  const wrong = files
    .filter(file => !file.isTest)
    .flatMap(file => file.imports.filter(it => !it.specifier.startsWith('.') && !isBuiltin(it.specifier)).map(it => ({ file, it })))
    .filter(({ it }) => !(packageOf(it.specifier) in dependencies))
    .map(({ file, it }) => `src/${file.path}:${it.line} ${it.specifier}`)
  assert.deepEqual(wrong, [])
})

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

test('the reader of source sees imports, and neither comments nor texts', () => {
  const source = `import type { A } from './a.ts'
import { b, type C } from "./b.ts" // await import('./no.ts')
/* import './no.ts' */ export * from './c.ts'
export {
  d,
} from './d.ts'
import './e.ts'
const text = 'await x' + \`import './no.ts' \${await f('./no.ts', /["'\`]/.test(g))} await\`
const half = a / 2 + "await" / 3
const late = () => import('./late.ts')
`
  const read = readSource(source)

  assert.deepEqual(
    readImports(read).map(({ specifier, kind, line }) => `${specifier} ${kind} ${line}`),
    ['./a.ts type 1', './b.ts value 2', './d.ts value 4', './e.ts value 7', './late.ts dynamic 10'].toSpliced(2, 0, './c.ts value 3'),
  )
  assert.equal(read.words.match(/\bawait\b/g)?.length, 1)
})
