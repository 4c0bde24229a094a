import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

/** A zone, its gateway and a caller's sidecar, each a process; and machines that register a service without a proxy. */
const program = resolve(import.meta.dirname, '../../bin/skerry.js')
const processes: ChildProcess[] = []
let directory = ''
let api = ''
let xds = ''
let httpProxy = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-vm-'))
  start('zone', 'run', '--zone', 'east', '--data', at('zone'), '--api', '127.0.0.1:0', '--xds', '127.0.0.1:0')
  ;({ api = '', xds = '' } = await portsOf('zone'))
  for (const [type, file] of Object.entries({ dataplane: 'token', ingress: 'gateway.token' })) {
    const asAdmin = ['--api', `http://${api}`, '--token-file', at('zone/admin.token')]
    const made = start('token', 'dataplane', ...asAdmin, '--proxy-type', type, '--zone', 'east', '--valid-for', '1h', '--out', at(file))
    assert.deepEqual(await once(made, 'exit'), [0, null])
  }
  start('proxy', 'run', ...toZone('gateway.token'), '--role', 'zone-gateway', '--name', 'gateway', '--data', at('gateway'))
  start('proxy', 'run', ...toZone(), '--service', 'caller', '--port', '1', '--health', 'none', '--data', at('caller'))
  httpProxy = (await portsOf('caller'))['http-proxy']!
})

after(async () => {
  for (const running of processes.reverse()) await end(running, 'SIGTERM')
  await rm(directory, { recursive: true, force: true })
})

test('a machine that stops under load costs no request, and one that dies is shown with its reason', async () => {
  await using first = await Machine.start('first')
  await using second = await Machine.start('second')
  await until('both are called', async () => new Set(await Promise.all(Array.from({ length: 20 }, call))).size === 2)
  const answers: string[] = []
  let isOver = false
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      answers.push(await call())
      await delay(2)
    }
  })

  await until('the load reaches both', async () => new Set(answers).size === 2)
  await end(second.agent, 'SIGTERM')
  await second.stopApplication()
  const since = answers.length
  await until('a hundred more have been called', async () => answers.length > since + 100)
  isOver = true
  await Promise.all(load)

  assert.deepEqual([...new Set(answers)].toSorted(), ['200 first', '200 second'])
  assert.deepEqual(new Set(answers.slice(since)), new Set(['200 first']))
  assert.equal((await dataplanes()).length, 1, 'who said goodbye is forgotten')

  await end(first.agent, 'SIGKILL')
  await until('nobody is called any more', async () => (await call()).startsWith('503'))
  const [left] = await dataplanes()
  assert.deepEqual(left?.networking.inbound[0].state, 'NotReady')
  const { items: lost } = await get('/dashboard/v1/events?filter[type]=instance.not-ready')
  assert.match(lost[0].message, /is not called: the agent on its machine does not renew its registration$/)
})

test('a machine whose application fails its check is not called until it passes again', async () => {
  await using machine = await Machine.start('third')
  await until('it is called', async () => (await call()) === '200 third')

  machine.isWell = false
  await until('it is not called', async () => (await call()).startsWith('503'))
  machine.isWell = true
  await until('it is called again', async () => (await call()) === '200 third')
})

/** An application, and the agent that registers it. */
class Machine {
  isWell = true
  readonly agent: ChildProcess
  readonly #server

  static async start(name: string): Promise<Machine> {
    const server = createServer()
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    return new Machine(name, server)
  }

  private constructor(name: string, server: ReturnType<typeof createServer>) {
    this.#server = server
    server.on('request', (incoming, outgoing) => {
      if (incoming.url === '/healthz') outgoing.writeHead(this.isWell ? 200 : 503).end()
      else outgoing.end(name)
    })
    const { port } = server.address() as AddressInfo
    const check = ['--check', 'http:/healthz', '--check-interval', '200ms', '--drain-time', '1s']
    this.agent = start('agent', 'run', ...toZone(), '--service', 'hello', '--port', String(port), ...check, '--data', at(name))
  }

  async stopApplication(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(done => this.#server.close(done))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.agent, 'SIGTERM')
    await this.stopApplication()
  }
}

function at(path: string): string {
  return join(directory, path)
}

function toZone(token = 'token'): string[] {
  return ['--cp', xds, '--token-file', at(token)]
}

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'], cwd: directory })
  processes.push(child)
  return child
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

async function portsOf(name: string): Promise<Record<string, string>> {
  const read = async () => JSON.parse(await readFile(at(`${name}/ports.json`), 'utf8').catch(() => 'null'))
  await until(`${name} listens`, async () => (await read()) !== null)
  return read()
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 })

/** Through the caller's sidecar. Status and body. */
function call(): Promise<string> {
  const [host, port] = httpProxy.split(':')
  return new Promise(done => {
    const outgoing = request({ host, port, path: 'http://hello.mesh/', headers: { host: 'hello.mesh' }, agent }, answer => {
      let body = ''
      answer.setEncoding('utf8').on('data', chunk => {
        body += chunk
      })
      answer.on('end', () => done(`${answer.statusCode} ${body}`))
    })
    outgoing.on('error', error => done(`no answer: ${error.message}`)).end()
  })
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the API answers
async function get(path: string): Promise<any> {
  const token = (await readFile(at('zone/admin.token'), 'utf8')).trim()
  const answer = await fetch(`http://${api}${path}`, { headers: { authorization: `Bearer ${token}` } })
  return answer.json()
}

async function dataplanes() {
  const { items } = await get('/meshes/default/dataplanes')
  return items.filter((item: { labels: Record<string, string> }) => item.labels['kuma.io/workload'] === 'hello')
}

/** Fails when even a slow machine would have come to it. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`not within a minute: ${what}`)
    await delay(50)
  }
}
