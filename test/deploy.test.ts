import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { programs as allPrograms, loadProgramOptions } from '../src/cli/programs.ts'
import { resolveOptions } from '../src/std/options.ts'

/** Those that go on until they are told to stop. */
const programs = allPrograms.filter(({ verb }) => verb === 'run')
const run = promisify(execFile)
const deploy = resolve(import.meta.dirname, '../deploy')
const systemd = join(deploy, 'systemd')
const template = () => readFile(join(deploy, 'cloud-init/user-data.yaml'), 'utf8')

test('there is a unit and an example of its settings for every program', async () => {
  const files = await readdir(systemd)

  for (const { name } of programs)
    assert.deepEqual(
      files.filter(file => file === `skerry-${name}.service` || file === `${name}.env.example`).length,
      2,
      `deploy/systemd lacks the unit or the settings of ${name}`,
    )
})

for (const program of programs) {
  test(`the unit of ${program.name} starts it with flags that it has, and its settings are ones that it takes`, async () => {
    const unit = await readFile(join(systemd, `skerry-${program.name}.service`), 'utf8')
    const [, command = ''] = /^ExecStart=\/opt\/skerry\/bin\/skerry (.*)$/m.exec(unit) ?? []
    const [name, verb, ...flags] = command.split(' ')
    assert.deepEqual([name, verb], [program.name, 'run'])
    const options = await loadProgramOptions(program)
    const example = await readFile(join(systemd, `${program.name}.env.example`), 'utf8')
    const settings = [...example.matchAll(/^#?(SKERRY_[A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value] as const)
    for (const [name] of settings)
      assert(
        options.some(option => option.env === name),
        `${name} in ${program.name}.env.example`,
      )

    const inForce = Object.fromEntries([...example.matchAll(/^(SKERRY_[A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value]))
    const argv = flags.map(flag => flag.replace(/%S/g, '/var/lib').replace(/\$\{(\w+)\}/g, (_, name) => inForce[name] ?? ''))
    const resolved = resolveOptions(options, { argv, env: inForce })

    assert.deepEqual(resolved.kind === 'invalid' ? resolved.problems : [], [])
  })
}

test('systemd has nothing to say against the units', async context => {
  if (
    await run('systemd-analyze', ['--version']).then(
      () => false,
      () => true,
    )
  )
    return context.skip('there is no systemd-analyze here')
  const directory = await mkdtemp(join(tmpdir(), 'skerry-units-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  for (const { name } of programs) {
    const file = join(directory, `skerry-${name}.service`)
    const unit = await readFile(join(systemd, `skerry-${name}.service`), 'utf8')
    // Programs that are not installed here are no mistake of the unit's.
    await writeFile(file, unit.replace(/\/opt\/skerry\/\S+/g, '/bin/true').replace(/^EnvironmentFile=/m, 'EnvironmentFile=-'))

    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file])

    assert.equal(stderr, '')
  }
})

test('user data is YAML when it is filled in, and every placeholder is explained', async () => {
  const text = await template()
  const used = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name))
  const explained = new Set([...text.matchAll(/^# {3}(SKERRY_\w+) /gm)].map(([, name]) => name))
  assert.deepEqual(used, explained)

  for (const program of ['agent', 'proxy']) {
    const filled = text.replace(/\$\{(\w+)\}/g, (_, name) => (name === 'SKERRY_PROGRAM' ? program : 'http:/healthz'))
    const userData = parse(filled) as { write_files: { path: string; content: string }[]; runcmd: string[][] }

    assert.match(filled, /^#cloud-config\n/)
    assert.deepEqual(
      userData.write_files.map(file => file.path),
      [`/etc/skerry/${program}.token`, `/etc/skerry/${program}.env`, '/var/lib/cloud/scripts/skerry-install'],
    )
    assert.deepEqual(userData.runcmd.at(-1), ['systemctl', 'enable', '--now', `skerry-${program}.service`])
    const settings = [...userData.write_files[1]!.content.matchAll(/^(SKERRY_\w+)=/gm)].map(([, name]) => name)
    const known = (await Promise.all(programs.filter(it => it.name === 'agent' || it.name === 'proxy').map(loadProgramOptions))).flat()
    for (const name of settings)
      assert(
        known.some(option => option.env === name),
        name,
      )
    await run('sh', ['-n', '-c', userData.write_files[2]!.content])
  }
})

test('a unit has started when something answers, whatever it says, and not before', async context => {
  const script = join(systemd, 'wait-until-it-answers')
  // A port that is bound and says nothing yet.
  const mute = createTcpServer(socket => socket.on('error', () => {}))
  await new Promise<void>(done => mute.listen(0, '127.0.0.1', done))
  const { port } = mute.address() as AddressInfo
  await new Promise(done => mute.close(done))
  const waiting = spawn('bash', [script, `127.0.0.1:${port}`, '60'], { stdio: 'ignore' })
  context.after(() => waiting.kill())

  const server = createServer((_request, response) => response.writeHead(503).end('not ready\n'))
  await new Promise<void>(done => server.listen(port, '127.0.0.1', done))
  context.after(() => server.close())

  assert.deepEqual(await once(waiting, 'exit'), [0, null])
  await assert.rejects(run('bash', [script, '127.0.0.1:1', '1']), /nothing answers at 127\.0\.0\.1:1/)
})

test('the image takes what the programs need from the checkout, and starts them', async () => {
  const dockerfile = await readFile(join(deploy, 'container/Dockerfile'), 'utf8')
  const ignored = await readFile(join(deploy, 'container/Dockerfile.dockerignore'), 'utf8')
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '))

  for (const path of copied) {
    await assert.doesNotReject(readdir(join(deploy, '..')).then(files => assert(files.includes(path), path)))
    assert.match(ignored, new RegExp(`^!${path.replace('.', '\\.')}$`, 'm'), path)
  }
  const [, entry = ''] = /^ENTRYPOINT \["node", "\/opt\/skerry\/(.+)"\]$/m.exec(dockerfile) ?? []
  await assert.doesNotReject(readFile(join(deploy, '..', entry)))
})
