import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configFileOption, parseConfigFile } from './config-file.ts'
import { describeProblem, formatProblems, type OptionSpec, resolveOptions } from './options.ts'
import { readOptions } from './read-options.ts'

const specs = [
  configFileOption,
  {
    flag: '--data',
    env: 'SKERRY_DATA',
    key: 'data',
    value: 'string',
    placeholder: 'DIR',
    help: 'where everything is kept',
    required: true,
  },
  {
    flag: '--api',
    env: 'SKERRY_API',
    key: 'api.address',
    value: 'address',
    placeholder: 'HOST:PORT',
    help: 'API',
    default: { host: '127.0.0.1', port: 0 },
  },
  {
    flag: '--store',
    env: 'SKERRY_STORE',
    key: 'store',
    value: 'string',
    choices: ['sqlite', 'memory'],
    placeholder: 'KIND',
    help: 'store',
    default: 'sqlite',
  },
  { flag: '--defaults', env: 'SKERRY_DEFAULTS', key: 'defaults', value: 'boolean', placeholder: '', help: 'make them', default: true },
  { flag: '--grace', env: 'SKERRY_GRACE', key: 'grace', value: 'duration', placeholder: 'TIME', help: 'grace' },
  { flag: '--outbound', env: 'SKERRY_OUTBOUND', key: 'outbounds', value: 'list', placeholder: 'NAME=PORT', help: 'outbounds', default: [] },
  { flag: '--token', env: 'SKERRY_TOKEN', key: 'token', value: 'string', placeholder: '', help: 'token', secret: true },
] as const satisfies readonly OptionSpec[]

test('a flag wins over a variable, a variable over the config file, the file over the default', async () => {
  const file = await parseConfigFile('zone.yaml', 'data: /from/file\nstore: memory\ngrace: 1m30s\n')
  assert(file.kind === 'ok')

  const resolved = resolveOptions(specs, {
    argv: ['--data', '/from/flag', '--no-defaults', '--outbound=a=1', '--outbound', 'b=2,c=3'],
    env: { SKERRY_DATA: '/from/env', SKERRY_API: '[::1]:5681', SKERRY_STORE: '' },
    configFile: file.file,
  })

  assert(resolved.kind === 'ok')
  const values: { data: string; store: 'sqlite' | 'memory'; grace: number | undefined } = resolved.values
  assert.deepEqual(values, {
    config: undefined,
    data: '/from/flag',
    'api.address': { host: '::1', port: 5681 },
    store: 'memory',
    defaults: false,
    grace: 90_000,
    outbounds: ['a=1', 'b=2', 'c=3'],
    token: undefined,
  })
  assert.equal(resolved.origins.store, 'zone.yaml:2:8 store')
  assert.equal(resolved.origins.data, '--data')
})

function problemsOf(argv: readonly string[], env: Record<string, string> = {}): string {
  const resolved = resolveOptions(specs, { argv, env })
  return resolved.kind === 'ok' ? '' : resolved.problems.map(describeProblem).join('\n')
}

test('every problem is named with its place, its value and what would do', () => {
  assert.equal(problemsOf(['--dta', '/x', '--data', '/y']), '--dta: unknown flag (did you mean "--data"?)')
  assert.equal(
    problemsOf([]),
    '--data: is needed (where everything is kept): give --data DIR, or set SKERRY_DATA or data in the config file',
  )
  assert.match(problemsOf(['--data', 'd', '--api', '5681']), /^--api: "5681" is not HOST:PORT: for this machine only 127.0.0.1:5681/)
  assert.match(problemsOf(['--data', 'd'], { SKERRY_API: '127.0.0.1:99999' }), /^SKERRY_API: "127.0.0.1:99999" is not HOST:PORT/)
  assert.equal(problemsOf(['--data', 'd', '--store', 'sqlit']), '--store: "sqlit" is none of sqlite, memory (did you mean "sqlite"?)')
  assert.match(problemsOf(['--data', 'd', '--grace', '5']), /"5" is not a duration such as/)
  assert.equal(problemsOf(['--data']).split('\n')[0], '--data: wants a value: --data DIR')
  assert.equal(problemsOf(['--data', 'd', 'extra']), 'extra: no argument is expected here')
  assert.match(problemsOf(['--data', 'd', '--token', 'abc']), /a secret may not be an argument; set SKERRY_TOKEN/)
})

test('a misspelt key of the config file is a problem at its line, not a silent default', async () => {
  const file = await parseConfigFile('zone.yaml', 'data: d\napi:\n  adress: 127.0.0.1:1\n')
  assert(file.kind === 'ok')

  const resolved = resolveOptions(specs, { argv: [], env: {}, configFile: file.file })

  assert(resolved.kind === 'invalid')
  assert.equal(resolved.problems.map(describeProblem).join('\n'), 'zone.yaml:3:11 api.adress: unknown key (did you mean "api.address"?)')
})

test('what a program prints about its settings has the same parts as every other error', () => {
  assert.equal(
    formatProblems([{ where: '--api', message: '"x" is not HOST:PORT' }]),
    'error: --api: "x" is not HOST:PORT\nfix: the same command with --help lists every setting\ncode: SKERRY_USAGE',
  )
})

test('a config file that is not there, or is no YAML, is a problem of the flag that named it', async () => {
  const absent = await readOptions(specs, ['--config', '/nowhere/zone.yaml'], {})
  assert(absent.kind === 'invalid')
  assert.equal(absent.problems.map(describeProblem).join('\n'), '--config: "/nowhere/zone.yaml": there is no such file')

  const broken = await parseConfigFile('zone.yaml', 'a: [1\n')
  assert(broken.kind === 'invalid')
  assert.match(broken.problems[0]!.where, /^zone\.yaml:\d+:\d+$/)
})
