import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { parseAllDocuments } from 'yaml'
import { referencePages } from '../docs/pages.ts'
import { anApiOver } from '../src/api/dashboard/testing-api.ts'
import { openApiDocument } from '../src/api/openapi/document.ts'
import { buildTree } from '../src/cli/command-line.ts'
import { processIo } from '../src/cli/io.ts'
import { loadProgramOptions, programOf } from '../src/cli/programs.ts'
import { kinds } from '../src/model/kinds/index.ts'
import { fromWire } from '../src/model/wire.ts'

const root = resolve(import.meta.dirname, '..')
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(file => join('docs', file)),
].filter(file => file.endsWith('.md'))

test('the reference pages say what the tables in the source say', async () => {
  for (const [name, text] of Object.entries(await referencePages())) {
    assert.equal(readFileSync(join(root, 'docs/reference', name), 'utf8'), text, `docs/reference/${name} is out of date: npm run docs`)
  }
})

test('links between pages lead somewhere', () => {
  const broken = pages.flatMap(page =>
    [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target!)
      .filter(target => !/^[a-z]+:/.test(target) && !existsSync(resolve(root, dirname(page), target)))
      .map(target => `${page}: ${target}`),
  )
  assert.deepEqual(broken, [])
})

test('every command and flag in the pages exists', async () => {
  const tree = buildTree(processIo(), () => {})
  const wrong: string[] = []
  let seen = 0
  for (const page of pages) {
    for (const line of commandLines(read(page))) {
      seen++
      for (const reason of await problemsOf(line, tree)) wrong.push(`${page}: ${line}: ${reason}`)
    }
  }
  assert(seen > 50, `only ${seen} command lines were found`)
  assert.deepEqual(wrong, [])
})

test('every resource in the pages is one that a control plane takes', () => {
  const wrong: string[] = []
  let seen = 0
  for (const page of pages) {
    for (const [, old, block] of read(page).matchAll(/^(<!-- of Kuma 2 -->\n)? *```yaml\n([\s\S]*?)^ *```$/gm)) {
      if (old !== undefined) continue
      for (const document of parseAllDocuments(block!)) {
        const resource = document.toJS() as { readonly type?: string; readonly name?: string }
        // Settings of programs are YAML too.
        if (resource.type === undefined) continue
        seen++
        const read = fromWire(resource, { strict: true })
        if (read.kind === 'invalid')
          wrong.push(...read.violations.map(({ field, reason }) => `${page}: ${resource.name}: ${field}: ${reason}`))
      }
    }
  }
  assert(seen >= 30, `only ${seen} resources were found`)
  assert.deepEqual(wrong, [])
})

test('every kind of policy has its row and an example', () => {
  const guide = read('docs/guides/policies.md')
  const wrong = kinds.flatMap(({ policy, kind }) => {
    if (!policy) return []
    const marks = [policy.to, policy.rules, !policy.to && !policy.rules].map(has => (has ? '● ' : '')).join('| ')
    const row = guide.split('\n').find(line => line.startsWith(`| [${kind}](#${kind.toLowerCase()}) |`))
    if (!row?.endsWith(`| ${marks}|`)) return [`${kind}: its row should end with | ${marks}|`]
    return guide.includes(`\n### ${kind}\n`) ? [] : [`${kind}: no example`]
  })
  assert.deepEqual(wrong, [])
})

test('every call of the API in the pages is one that it describes', async () => {
  const described = await describedCalls()
  const wrong: string[] = []
  let seen = 0
  for (const page of pages) {
    for (const { method, path, query } of calls(read(page))) {
      seen++
      const known = described.find(call => call.method === method && call.path.test(path))
      if (!known) wrong.push(`${page}: ${method} ${path}: there is no such call`)
      for (const name of new URLSearchParams(query).keys()) {
        if (known && !known.query.has(name.replace(/\[.*/, '')) && !known.query.has(name))
          wrong.push(`${page}: ${path}: there is no parameter ${name}`)
      }
    }
  }
  assert(seen >= 10, `only ${seen} calls were found`)
  assert.deepEqual(wrong, [])
})

test('the README has the two set-up commands, each in a block of its own', () => {
  const commands = [...read('README.md').matchAll(/^```sh\n(npm ci && npm .+)\n```$/gm)].map(([, command]) => command)
  assert.deepEqual(commands, ['npm ci && npm start', 'npm ci && npm test'])
})

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

interface DescribedCall {
  readonly method: string
  readonly path: RegExp
  readonly query: ReadonlySet<string>
}

type Described = Readonly<Record<string, Readonly<Record<string, { readonly parameters?: readonly { readonly name: string }[] }>>>>

/** What both of the API's descriptions know: its own, and the dashboard's. */
async function describedCalls(): Promise<DescribedCall[]> {
  await using dashboard = await anApiOver()
  const { body } = await dashboard.api.get('/dashboard/v1/openapi.json')
  return [openApiDocument().paths, body.paths].flatMap(paths =>
    Object.entries(paths as Described).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { parameters = [] }]) => ({
        method: method.toUpperCase(),
        path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
        query: new Set(parameters.map(({ name }) => name)),
      })),
    ),
  )
}

/** `curl … "$API/PATH?QUERY" …` in fenced shell blocks. */
function calls(text: string): { readonly method: string; readonly path: string; readonly query: string }[] {
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)]
    .flatMap(([, block]) =>
      block!
        .replaceAll(/\\\n\s*/g, ' ')
        .split(/\bcurl /)
        .slice(1),
    )
    .flatMap(command => {
      const [, path, query = ''] = /"\$\w*API(\/[^"?]*)(?:\?([^"]*))?"/.exec(command) ?? []
      const [, method = 'GET'] = /-X (\w+)/.exec(command) ?? []
      return path === undefined ? [] : [{ method, path, query }]
    })
}

/** What fenced shell blocks run of `skerry`: continued lines joined, and cut where the shell takes over. */
function commandLines(text: string): string[] {
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)]
    .flatMap(([, block]) =>
      block!
        .replaceAll(/\\\n\s*/g, ' ')
        .replaceAll(/"?\$\([^()]*\([^()]*\)[^()]*\)"?|<\(|\)/g, ' ')
        .split('\n'),
    )
    .flatMap(line => /(?:^|\s|\|)(?:npx )?(skerry .*)$/.exec(line)?.[1]?.split(/\s[#>|&]/)[0] ?? [])
}

async function problemsOf(line: string, tree: Command): Promise<string[]> {
  const [, ...words] = line.trim().split(/\s+/)
  const program = programOf(words)
  if (program) {
    const flags = new Set((await loadProgramOptions(program)).flatMap(({ flag }) => [flag as string, `--no-${flag.slice(2)}`]))
    return words
      .filter(word => word.startsWith('--') && !flags.has(word.split('=')[0]!))
      .map(word => `${word} is no flag of skerry ${program.name} run`)
  }
  let command = tree
  for (const word of words) command = command.commands.find(child => child.name() === word) ?? command
  if (command === tree && words[0] !== undefined && !words[0].startsWith('-') && words[0] !== 'help' && words[0] !== 'COMMAND')
    return [`${words[0]} is no command`]
  const flags = new Set([...command.options, ...tree.options].flatMap(({ short, long }) => [short, long]).concat('--help', '-h'))
  return words
    .filter(word => /^--?[a-zA-Z]/.test(word) && !flags.has(word.split('=')[0]!))
    .map(word => `${word} is no flag of skerry ${command.name()}`)
}
