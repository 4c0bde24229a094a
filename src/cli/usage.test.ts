import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildTree, walk } from './command-line.ts'
import { processIo } from './io.ts'
import { programs } from './programs.ts'
import { cli, fakeApi, filesOf, spawnCli } from './test-support.ts'

/** Programs read their own flags. */
const verbs: ReadonlySet<string> = new Set(programs.map(({ verb }) => verb))

test('every command explains itself, with an example', async () => {
  const commands = walk(buildTree(processIo(), () => {})).map(command => {
    const words: string[] = []
    for (let at = command; at.parent; at = at.parent) words.unshift(at.name())
    return words
  })
  assert(commands.length > 15)
  for (const words of commands.filter(words => words[0] !== 'help' && words.at(-1) !== 'run')) {
    const { code, out } = await cli([...words, '--help'])
    assert.equal(code, 0, words.join(' '))
    assert.match(out, /^Usage: skerry/, words.join(' '))
    assert.match(out, /\nExamples:\n {2}\$ /, words.join(' '))
  }
})

test('an unknown command or flag of any command ends with 64 and a guess', async () => {
  const commands = walk(buildTree(processIo(), () => {}))
    .filter(command => command.commands.length === 0 && !verbs.has(command.name()))
    .map(command => (command.parent?.parent ? [command.parent.name(), command.name()] : [command.name()]))
  for (const words of commands) {
    const { code, out, err } = await cli([...words, '--nonsense'])
    assert.deepEqual({ code, out }, { code: 64, out: '' }, words.join(' '))
    assert.match(err, /unknown option '--nonsense'\nfix: skerry .*--help.*\ncode: SKERRY_USAGE\n$/, words.join(' '))
  }
  assert.match((await cli(['gett', 'zones'])).err, /unknown command 'gett' \(did you mean get\?\)/i)
  assert.match((await cli(['token', 'datplane'])).err, /unknown command 'skerry token datplane' \(did you mean "dataplane"\?\)/)
  assert.match((await cli(['get', 'zones', '--outptu', 'json'])).err, /\(did you mean --output\?\)/i)
  assert.equal((await cli(['token'])).code, 64)
  assert.equal((await cli(['get', 'zones', '-o', 'xml'])).code, 64)
})

test('an error under -o json is one problem object on stderr and nothing on stdout', async () => {
  const { code, out, err } = await cli(['get', 'zones', '-o', 'json'])

  const problem = JSON.parse(err) as Record<string, unknown>
  assert.deepEqual(
    { code, out, exitCode: problem.exitCode, problem: problem.code },
    { code: 64, out: '', exitCode: 64, problem: 'SKERRY_NO_CONTROL_PLANE' },
  )
  assert.match(String(problem.fix), /npm start/)
})

test('the control plane is that of the flag, else of the variable, else of the demo in this directory or above', async () => {
  await using api = await fakeApi()
  await using demo = await filesOf({ 'admin.token': 'secret\n' })
  const inside = join(demo.path, 'a', 'b')
  await mkdir(inside, { recursive: true })
  await mkdir(join(demo.path, '.skerry'))
  await writeFile(
    join(demo.path, '.skerry', 'demo.json'),
    JSON.stringify({ ready: true, urls: { api: api.url }, adminTokenFile: join(demo.path, 'admin.token'), processes: [] }),
  )

  assert.equal((await cli(['get', 'zones', '-o', 'json'], { cwd: inside })).code, 0)
  assert.equal(api.requests.at(-1)?.authorization, 'Bearer secret')
  assert.equal((await cli(['get', 'zones'], { cwd: inside, env: { SKERRY_API: 'http://127.0.0.1:1' } })).code, 69)
  assert.equal((await cli(['get', 'zones', '--api', api.url], { cwd: inside, env: { SKERRY_API: 'http://127.0.0.1:1' } })).code, 0)
  assert.equal((await cli(['get', 'zones', '--api', 'nonsense'])).code, 64)
})

test('a token file that holds no token is a bad file, not a control plane that cannot be reached', async () => {
  await using api = await fakeApi()
  await using files = await filesOf({ 'empty.token': '\n', 'notes.token': '# Notes\n\nnot a token\n' })
  const env = { SKERRY_API: api.url }

  for (const [name, why] of [
    ['empty.token', /--token-file: \S+empty\.token: the file is empty\n/],
    ['notes.token', /--token-file: \S+notes\.token: that is no token/],
  ] as const) {
    const { code, err } = await cli(['get', 'zones', '--token-file', join(files.path, name)], { env })
    assert.equal(code, 65)
    assert.match(err, why)
  }
  assert.deepEqual(api.requests, [])
})

test('help takes the words of a command, and says when there is no such command', async () => {
  assert.match((await cli(['help', 'token', 'dataplane'])).out, /^Usage: skerry token dataplane /)
  assert.match((await cli(['help', 'proxy', 'run'])).out, /^Usage: skerry proxy run .*--cp HOST:PORT/s)
  const { code, out, err } = await cli(['help', 'token', 'datplane'])
  assert.deepEqual({ code, out }, { code: 64, out: '' })
  assert.match(err, /unknown command 'skerry token datplane' \(did you mean "dataplane"\?\)\nfix: skerry token --help/)
})

test('completion knows commands, kinds and flags', async () => {
  const { out } = await cli(['completion', 'bash'])
  assert.match(out, /'token'\) words='dataplane zone user list revoke keys'/)
  assert.match(out, /'get'\) words='.*meshservices/)
  assert.equal((await cli(['completion', 'zsh'])).code, 0)
  assert.match(
    (await cli(['completion', 'fish'])).out,
    /__fish_seen_subcommand_from token; and not __fish_seen_subcommand_from dataplane zone user list revoke keys' -a 'dataplane zone user list revoke keys'/,
  )
  assert.match((await cli(['completion', 'fihs'])).err, /did you mean "fish"/)
})

test('the program starts by itself, and prints what it was asked for', async () => {
  const version = await spawnCli(['version'])
  const wrong = await spawnCli(['get', 'zones'], { SKERRY_API: 'http://127.0.0.1:1' })

  assert.match(version.out, /^skerry \d+\.\d+\.\d+ \(Node 2\d\./)
  assert.equal(wrong.code, 69)
  assert.match(wrong.err, /cannot reach the control plane at http:\/\/127\.0\.0\.1:1 \(from SKERRY_API\): nothing listens there\nfix: /)
})
