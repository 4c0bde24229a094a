import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type AgentMessage, AgentMessageSchema, ZoneMessageSchema } from '../../src/gen/skerry/agent/v1/agent_pb.js'
import { options, readAgentConfig } from '../../src/proxy/vm-agent/config.ts'
import { localAddressTowards } from '../../src/proxy/vm-agent/local-address.ts'
import { startVmAgent } from '../../src/proxy/vm-agent/vm-agent.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { memoryStreamPair } from '../../src/std/memory-stream.ts'
import type { MessageStream } from '../../src/std/message-stream.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { seededRandom } from '../../src/std/random.ts'
import { atEnd, until } from './support.ts'

/** What a zone hears of one service; it registers everybody, and lets everybody drain. */
class Heard {
  readonly messages: AgentMessage['message'][] = []
  readonly stream: MessageStream
  hasEnded = false
  readonly #refuses: boolean

  constructor(stream: MessageStream, refuses: boolean) {
    this.stream = stream
    this.#refuses = refuses
    void this.#read()
  }

  get dataplane() {
    const hello = this.messages.find(message => message.case === 'hello')
    return hello ? JSON.parse(hello.value.dataplane) : undefined
  }

  get health() {
    const reports = this.messages.flatMap(message => (message.case === 'health' ? [message.value.inbounds] : []))
    return reports.at(-1)?.map(({ name, ready }) => [name, ready])
  }

  get cases(): readonly (string | undefined)[] {
    return this.messages.map(message => message.case)
  }

  #say(message: Parameters<typeof create<typeof ZoneMessageSchema>>[1]): void {
    this.stream.send(toBinary(ZoneMessageSchema, create(ZoneMessageSchema, message)))
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.stream.messages) {
        const { message } = fromBinary(AgentMessageSchema, bytes)
        this.messages.push(message)
        if (message.case === 'hello' && this.#refuses)
          this.#say({ message: { case: 'refused', value: { code: 'SKERRY_TOKEN_OTHER_WORKLOAD', message: 'not yours', fix: '' } } })
        else if (message.case === 'hello')
          this.#say({ message: { case: 'registered', value: { mesh: 'default', name: 'x', zone: 'east' } } })
        if (message.case === 'draining') this.#say({ message: { case: 'drained', value: {} } })
      }
    } catch {
      // The agent broke off.
    }
    this.hasEnded = true
  }
}

async function directory(context: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'skerry-vm-agent-'))
  atEnd(context, () => rm(made, { recursive: true, force: true }))
  return made
}

/** An application that answers what it is told to; -1: it is not there. */
async function anApplication(context: TestContext) {
  const state = { status: 200 }
  const server = createServer((_request, response) => response.writeHead(state.status).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  atEnd(context, async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return { state, port: (server.address() as AddressInfo).port }
}

async function read(...argv: string[]) {
  const resolved = resolveOptions(options, { argv: ['--cp', '127.0.0.1:5678', ...argv], env: { SKERRY_DATAPLANE_TOKEN: 'token' } })
  assert.equal(resolved.kind, 'ok', JSON.stringify(resolved))
  return resolved.kind === 'ok' ? readAgentConfig(resolved.values) : assert.fail()
}

async function anAgent(context: TestContext, refused: readonly string[], ...argv: string[]) {
  const result = await read('--address', '10.0.0.7', '--ca-file', 'ca.pem', '--drain-time', '1ms', ...argv)
  const config = result.kind === 'ok' ? result.config : assert.fail(JSON.stringify(result))
  const heard = new Map<string, Heard>()
  const agent = await startVmAgent(config, {
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
    open(service) {
      const { client, server } = memoryStreamPair()
      heard.set(service.name, new Heard(server, refused.includes(service.name)))
      return client
    },
  })
  atEnd(context, () => agent.stop())
  return { agent, heard: (name: string) => heard.get(name) }
}

test('a service is registered as a workload without a proxy, and told of as its check says', async context => {
  const data = await directory(context)
  const { state, port } = await anApplication(context)
  const flags = [
    '--service',
    'hello',
    '--port',
    String(port),
    '--check',
    'http:/healthz',
    '--check-interval',
    '20ms',
    '--label',
    'team=shop',
  ]
  const { agent, heard } = await anAgent(context, [], '--data', data, ...flags)

  await until('it is ready', () => heard('hello')?.health?.[0]?.[1] === true)
  assert.deepEqual(heard('hello')?.dataplane, {
    type: 'Dataplane',
    mesh: 'default',
    name: agent.names.hello,
    labels: { team: 'shop', 'kuma.io/workload': 'hello', 'skerry.io/proxy': 'none' },
    networking: { address: '10.0.0.7', inbound: [{ port, name: 'main', protocol: 'http' }] },
  })
  assert.equal(heard('hello')?.cases.includes('certificateRequest'), false)
  assert.equal((await fetch(`http://127.0.0.1:${agent.ports.admin!.port}/ready`)).status, 200)

  state.status = 503
  await until('it is not ready', () => heard('hello')?.health?.[0]?.[1] === false)
  const ready = await fetch(`http://127.0.0.1:${agent.ports.admin!.port}/ready`)
  assert.deepEqual([ready.status, await ready.text()], [503, 'hello main: GET /healthz answered 503\n'])
})

test('told to stop, it drains before it says goodbye', async context => {
  const data = await directory(context)
  const { port } = await anApplication(context)
  const { agent, heard } = await anAgent(context, [], '--data', data, '--service', 'hello', '--port', String(port))
  await until('it is ready', () => heard('hello')?.health?.[0]?.[1] === true)

  await agent.stop()

  await until('the stream has ended', () => heard('hello')!.hasEnded)
  assert.equal(heard('hello')?.cases.at(-1), 'draining')
})

test('a machine registers under the same names at every start', async context => {
  const data = await directory(context)
  const start = async () => {
    const { agent } = await anAgent(context, [], '--data', data, '--service', 'hello', '--port', '1', '--admin', 'none')
    await agent.stop()
    return agent.names
  }

  assert.deepEqual(await start(), await start())
})

test('several services come from a file, each with its own stream; one that is refused costs the others nothing', async context => {
  const data = await directory(context)
  const { port } = await anApplication(context)
  const file = join(data, 'services.yaml')
  await writeFile(
    file,
    `services:
  - name: hello
    ports: [{ port: ${port} }]
    check: { http: { path: /, method: HEAD, codes: ["200", "300-399"] }, interval: 20ms, timeout: 1s, rise: 2, fall: 3 }
    labels: { team: shop }
  - name: orders
    ports: [{ name: web, port: ${port}, protocol: http2 }, { name: admin, port: 1, protocol: tcp }]
    check: { none: {} }
`,
  )
  const { agent, heard } = await anAgent(context, ['orders'], '--data', data, '--services', file)

  await until('it is ready', () => heard('hello')?.health?.[0]?.[1] === true)
  await until('it was told', () => heard('orders')?.dataplane !== undefined)

  assert.deepEqual(heard('orders')?.dataplane.networking.inbound, [
    { port, name: 'web', protocol: 'http2', serviceProbe: { disabled: true } },
    { port: 1, name: 'admin', protocol: 'tcp', serviceProbe: { disabled: true } },
  ])
  const failed = await Promise.race([agent.failed.then(() => true), new Promise(resolve => setImmediate(resolve, false))])
  assert.equal(failed, false)
})

test('when the zone will have none of them, it gives up', async context => {
  const data = await directory(context)
  const { agent } = await anAgent(context, ['hello'], '--data', data, '--service', 'hello', '--port', '1')

  const error = await agent.failed

  assert.equal(error.code, 'SKERRY_TOKEN_OTHER_WORKLOAD')
})

test('every problem of a file is told at its place', async context => {
  const data = await directory(context)
  const file = join(data, 'services.yaml')
  await writeFile(
    file,
    'services:\n  - name: Hello\n    ports: [{ port: 80 }, { port: 80 }]\n  - name: b\n    ports: []\n    check: { htpp: {} }\n',
  )

  const result = await read('--services', file)

  const problems = result.kind === 'invalid' ? result.problems.map(({ where, message }) => `${where.replace(data, '')} ${message}`) : []
  assert.match(problems.join('\n'), /services\.yaml:2:11 services\[0\]\.name/)
  assert.match(problems.join('\n'), /services\[1\]\.ports/)
  assert.match(problems.join('\n'), /htpp/)
})

test('what cannot be is refused before anything starts, each thing with its flag', async () => {
  const problemsOf = async (...argv: string[]) => {
    const result = await read(...argv)
    return result.kind === 'invalid' ? result.problems.map(({ where, message }) => `${where}: ${message}`).join('\n') : ''
  }

  assert.match(await problemsOf(), /^--service: is needed/)
  assert.match(await problemsOf('--service', 'a'), /^--port: is needed/)
  assert.match(await problemsOf('--service', 'a', '--port', 'x'), /^--port: "x" is not/)
  assert.match(await problemsOf('--service', 'a', '--port', '1', '--port', '2'), /"main" names two ports/)
  assert.match(await problemsOf('--service', 'a', '--port', '1', '--check', 'ping'), /^--check: "ping" is none of/)
  assert.match(await problemsOf('--service', 'a', '--port', '1', '--check', 'exec:/bin/true'), /^--allow-exec-checks: /)
  assert.equal(await problemsOf('--service', 'a', '--port', '1', '--check', 'exec:/bin/true', '--allow-exec-checks'), '')
  assert.match(await problemsOf('--services', '/none.yaml'), /there is no such file/)
  assert.match(await problemsOf('--service', 'a', '--port', '1', '--address', 'a b'), /^--address: /)
})

test('the address of this machine is the one by which it speaks to the control plane', async () => {
  assert.equal(await localAddressTowards('127.0.0.1:5678'), '127.0.0.1')
})

test('the example of a services file in the guide is one', async context => {
  const guide = await readFile(join(import.meta.dirname, '../../docs/guides/vms.md'), 'utf8')
  const example = /```yaml\n(services:[\s\S]*?)```/.exec(guide)?.[1] ?? assert.fail('the guide has no example')
  const file = join(await directory(context), 'services.yaml')
  await writeFile(file, example)

  const result = await read('--services', file, '--allow-exec-checks')

  assert.deepEqual(result.kind === 'invalid' ? result.problems : [], [])
})
