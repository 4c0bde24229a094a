import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { EtcdCluster } from './etcd-cluster.ts'
import { freePorts } from './free-ports.ts'
import { TcpSwitch } from './tcp-switch.ts'

const skerry = join(import.meta.dirname, '../../bin/skerry.js')
const adminToken = 'an-admin-token-for-tests'

let cluster: EtcdCluster | string
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-replicas-'))
  await writeFile(join(directory, 'admin.token'), adminToken, { mode: 0o600 })
  cluster = await EtcdCluster.start()
})
after(async () => {
  if (typeof cluster !== 'string') await cluster.stop()
  await rm(directory, { recursive: true, force: true })
})

/** A control plane as a program, that a test may kill. */
class Program {
  readonly name: string
  readonly api: string
  readonly sync: string
  readonly #process: ChildProcess
  readonly #log: string

  static async start(t: TestContext, name: string, args: readonly string[]): Promise<Program> {
    const [api, sync] = (await freePorts(2)).map(port => `127.0.0.1:${port}`) as [string, string]
    const program = new Program(name, api, sync, args)
    t.after(() => program.end('SIGKILL'))
    await until(() => program.get('/').then(() => true), `${name} answers`, 30_000).catch(async error => {
      throw new Error(`${error.message}: ${await program.output()}`)
    })
    return program
  }

  constructor(name: string, api: string, sync: string, args: readonly string[]) {
    this.name = name
    this.api = `http://${api}`
    this.sync = sync
    this.#log = join(directory, `${name}.log`)
    const output = openSync(this.#log, 'a')
    const own = ['--data', join(directory, name), '--api', api, args[0] === 'global' ? '--sync' : '--xds', sync]
    const all = [skerry, ...args, ...own, '--admin-token-file', join(directory, 'admin.token')]
    this.#process = spawn(process.execPath, all, { stdio: ['ignore', output, output] })
    closeSync(output)
  }

  get exitCode(): number | null {
    return this.#process.exitCode
  }

  output(): Promise<string> {
    return readFile(this.#log, 'utf8')
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    this.#process.kill(signal)
    await once(this.#process, 'exit')
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', connection: 'close' }
    const response = await fetch(`${this.api}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    return { status: response.status, text: await response.text() }
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of an API, looked into by tests.
  async get(path: string): Promise<any> {
    const { status, text } = await this.call('GET', path)
    if (status !== 200) throw new Error(`${path} at ${this.name}: ${status} ${text}`)
    return JSON.parse(text)
  }

  async put(path: string, body: unknown): Promise<void> {
    const { status, text } = await this.call('PUT', path, body)
    assert.ok(status < 300, `${path} at ${this.name}: ${status} ${text}`)
  }

  has(path: string): Promise<boolean> {
    return this.call('GET', path).then(({ status }) => status === 200)
  }
}

async function until(holds: () => Promise<boolean>, what: string, withinMs = 15_000): Promise<number> {
  const begin = performance.now()
  for (;;) {
    if (await holds().catch(() => false)) return performance.now() - begin
    if (performance.now() - begin > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await delay(100)
  }
}

const etcdArgs = (etcd: EtcdCluster, prefix: string) => [
  ...['--store', 'etcd', '--etcd-endpoints', etcd.endpoints.join(), '--etcd-prefix', prefix],
]
const aService = (name: string) => ({ type: 'MeshService', mesh: 'default', name, spec: { ports: [{ port: 80, targetPort: 80 }] } })
const aUnion = (name: string, service: string) => ({
  type: 'MeshMultiZoneService',
  mesh: 'default',
  name,
  spec: { selector: { meshService: { matchLabels: { 'kuma.io/display-name': service } } }, ports: [{ port: 80, appProtocol: 'tcp' }] },
})
const aTimeout = (name: string) => ({
  type: 'MeshTimeout',
  mesh: 'default',
  name,
  spec: { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '3s' } }] },
})
const timeouts = '/meshes/default/meshtimeouts'

describe('replicas', { timeout: 120_000 }, () => {
  test('two globals on one etcd are one: for people, for zones, and when one of them dies', async t => {
    if (typeof cluster === 'string') return t.skip(cluster)
    const etcd = cluster
    const globalArgs = ['global', 'run', ...etcdArgs(etcd, '/global')]
    // The first to come leads.
    const a = await Program.start(t, 'global-a', globalArgs)
    await until(async () => (await etcd.ctl(['get', '/global/leader/global', '--print-value-only'])).trim() !== '', 'a leads')
    const b = await Program.start(t, 'global-b', globalArgs)
    const [idOfA, idOfB] = [(await a.get('/')).instanceId, (await b.get('/')).instanceId]
    assert.deepEqual(
      (await b.get('/meshes')).items.map(({ name }: { name: string }) => name),
      ['default'],
    )

    await a.put(`${timeouts}/from-a`, aTimeout('from-a'))
    await until(() => b.has(`${timeouts}/from-a`), 'what was written at a is read at b', 3000)
    await b.put(`${timeouts}/from-b`, aTimeout('from-b'))
    await until(() => a.has(`${timeouts}/from-b`), 'and the other way round', 3000)

    // The zone knows one address, behind which is now the one, now the other.
    const front = await TcpSwitch.start(a.sync)
    t.after(() => front.stop())
    const token = join(directory, 'east.token')
    await writeFile(token, (await b.call('POST', '/tokens/zone', { zone: 'east' })).text)
    const zone = await Program.start(t, 'zone-east', [
      ...['zone', 'run', '--zone', 'east', '--global', `https://${front.address}`, '--zone-token-file', token],
    ])
    // What comes from global has a name of its own there.
    const inZone = async (name: string) => {
      const items: { labels: Record<string, string> }[] = (await zone.get(`${timeouts}?size=100`)).items
      return items.filter(({ labels }) => labels['kuma.io/display-name'] === name).length === 1
    }
    /** The replica that the zone is connected to, as one of them shows it. */
    const holder = async (shownBy: Program): Promise<string | undefined> => {
      const last = (await shownBy.get('/zones/east/_overview')).zoneInsight.subscriptions.at(-1)
      return last.disconnectTime === undefined ? last.globalInstanceId : undefined
    }
    await until(() => inZone('from-b'), 'the zone has what global has')
    await until(async () => (await holder(a)) === idOfA, 'a shows the zone that is connected to it')
    await until(async () => (await holder(b)) === idOfA, 'b shows the zone that is connected to a')

    const askZone = (global: Program) => global.call('POST', '/tokens/dataplane', { mesh: 'default', name: 'web', zone: 'east' })
    await until(async () => (await askZone(b)).status === 200, 'b asks the zone through a', 3000).catch(async error => {
      throw new Error(`${error.message}: ${(await askZone(b)).text}`)
    })

    await zone.put('/meshes/default/meshservices/web', aService('web'))
    await b.put('/meshes/default/meshmultizoneservices/all-web', aUnion('all-web', 'web'))
    const members = async (global: Program, union: string) =>
      ((await global.get(`/meshes/default/meshmultizoneservices/${union}`)).status?.meshServices ?? []).length
    await until(async () => (await members(b, 'all-web')) === 1, 'the leader writes the status of what came to the other')

    // The leader dies, and the zone goes over to the other.
    front.target = b.sync
    await a.end('SIGKILL')
    const movedMs = await until(async () => (await holder(b)) === idOfB, 'the zone is connected to b')
    await b.put(`${timeouts}/after`, aTimeout('after'))
    await until(() => inZone('after'), 'what is written at b reaches the zone')
    await zone.put('/meshes/default/meshservices/api', aService('api'))
    await b.put('/meshes/default/meshmultizoneservices/all-api', aUnion('all-api', 'api'))
    const ledMs = await until(async () => (await members(b, 'all-api')) === 1, 'b does what the leader does', 20_000)
    t.diagnostic(`the zone was back after ${Math.round(movedMs)} ms, background work went on after ${Math.round(ledMs)} ms more`)
    const direct = await askZone(b)
    assert.equal(direct.status, 200, direct.text)

    // etcd loses its leader; what was acknowledged is there, once.
    const member = await etcd.leader()
    await etcd.kill(member)
    const acknowledged: string[] = []
    for (let index = 0; acknowledged.length < 5 && index < 50; index++) {
      const { status } = await b.call('PUT', `${timeouts}/later-${index}`, aTimeout(`later-${index}`))
      if (status < 300) acknowledged.push(`later-${index}`)
      else await delay(100)
    }
    assert.equal(acknowledged.length, 5)
    etcd.restart(member)
    await etcd.ready()
    await Program.start(t, 'global-c', globalArgs).then(async c => {
      const names = (await c.get(`${timeouts}?size=100`)).items.map(({ name }: { name: string }) => name)
      for (const name of ['from-a', 'from-b', 'after', ...acknowledged]) {
        assert.equal(names.filter((found: string) => found === name).length, 1, `${name} in ${names}`)
        await until(() => inZone(name), `the zone has ${name}`)
      }
      await until(async () => (await holder(c)) === idOfB, 'c shows the zone that is connected to b')
      const services = (await c.get('/meshes/default/meshservices')).items
      assert.equal(services.length, 2, 'each service of the zone is there once')
    })
  })

  test('two globals that start at the same time on an empty store make its beginnings once, and know the same keys', async t => {
    if (typeof cluster === 'string') return t.skip(cluster)
    const args = ['global', 'run', ...etcdArgs(cluster, '/fresh')]
    const both = await Promise.all([Program.start(t, 'fresh-a', args), Program.start(t, 'fresh-b', args)])

    for (const global of both) {
      const names = (await global.get('/meshes')).items.map(({ name }: { name: string }) => name)
      assert.deepEqual(names, ['default'])
      assert.equal((await global.get('/meshes/default/meshidentities')).items.length, 1)
    }
    const [first, second] = both as [Program, Program]
    const token = (await first.call('POST', '/tokens/user', { name: 'eve', groups: ['admin'], validFor: '1h' })).text
    const response = await fetch(`${second.api}/meshes`, { headers: { authorization: `Bearer ${token}`, connection: 'close' } })
    assert.equal(response.status, 200, await response.text())
    assert.equal((await first.get('/')).clusterId, (await second.get('/')).clusterId)
  })

  test('a zone has one control plane: a second one on its etcd is refused, and takes over when the first was killed', async t => {
    if (typeof cluster === 'string') return t.skip(cluster)
    const args = ['zone', 'run', '--zone', 'west', ...etcdArgs(cluster, '/west')]
    const first = await Program.start(t, 'west-1', args)

    const [api, xds] = (await freePorts(2)).map(port => `127.0.0.1:${port}`) as [string, string]
    const second = new Program('west-2', api, xds, args)
    t.after(() => second.end('SIGKILL'))
    await until(async () => second.exitCode !== null, 'the second one ends', 25_000)
    assert.match(await second.output(), /SKERRY_REPLICA_UNSUPPORTED/)

    await first.put(`${timeouts}/kept`, aTimeout('kept'))
    await first.end('SIGKILL')
    const third = await Program.start(t, 'west-3', args)
    assert.equal(await third.has(`${timeouts}/kept`), true)
  })
})
