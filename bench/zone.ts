import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { AgentMessageSchema } from '../src/gen/skerry/agent/v1/agent_pb.js'
import { fetchCa } from '../src/identity/first-contact.ts'
import { peekToken } from '../src/identity/token-claims.ts'
import { Backoff } from '../src/std/backoff.ts'
import { systemClock } from '../src/std/clock.ts'
import { connectStream, GrpcChannel } from '../src/std/grpc-channel.ts'
import { systemRandom } from '../src/std/random.ts'
import { AdsClient } from '../src/xds/ads-client.ts'
import { DELTA_ADS_PATH } from '../src/xds/ads-server.ts'
import { CDS, EDS, LDS } from '../src/xds/resource-types.ts'
import type { Figure } from './figure.ts'

export const about = 'a zone control plane with 200 sidecars (100 services, 10 outbounds each), agent stream and delta ADS over TLS each'

const sidecars = 200
const services = 100
const outbounds = 10
const changes = 60
/** Changes before the measured ones: a control plane that has run for a while. */
const warmUp = 30
const restMs = 30_000
const skerry = join(import.meta.dirname, '../bin/skerry.js')

/** The whole way of an endpoint: API → store → registry → plan → xDS → last subscribed sidecar. The zone is a process of its own, the sidecars are this one. */
export async function run(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-zone-'))
  const zone = spawn(
    process.execPath,
    [
      ...(process.env.BENCH_ZONE_FLAGS?.split(' ') ?? []),
      skerry,
      'zone',
      'run',
      '--zone',
      'bench',
      '--data',
      directory,
      '--api',
      '127.0.0.1:0',
      '--xds',
      '127.0.0.1:0',
      '--log-level',
      'error',
    ],
    {
      stdio: 'ignore',
    },
  )
  const open: (() => void)[] = []
  try {
    const ports = JSON.parse(await whenThere(join(directory, 'ports.json'))) as { api: string; xds: string }
    const admin = (await whenThere(join(directory, 'admin.token'))).trim()
    const api = (path: string, init: RequestInit = {}) =>
      fetch(`http://${ports.api}${path}`, { ...init, headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' } })
    const token = await (await api('/tokens/dataplane', { method: 'POST', body: JSON.stringify({ mesh: 'default' }) })).text()
    const rootCaPem = await fetchCa(ports.xds, peekToken(token)!.ca)

    const cpuBefore = await cpuMs(zone.pid!)
    const started = performance.now()
    const arrivals = new Arrivals()
    const ready = Array.from({ length: sidecars }, (_, index) => sidecar(index, ports.xds, token, rootCaPem, arrivals, open))
    await Promise.all(ready)
    const configuredMs = performance.now() - started
    const configuredCpuMs = (await cpuMs(zone.pid!)) - cpuBefore
    await pause(3000)

    const firsts: number[] = []
    const lasts: number[] = []
    const afterAnswer: number[] = []
    let cpuChange = 0
    for (let change = 0; change < warmUp + changes; change++) {
      if (change === warmUp) {
        cpuChange = await cpuMs(zone.pid!)
        for (const list of [firsts, lasts, afterAnswer]) list.length = 0
      }
      const service = `svc-${change % services}`
      const cluster = `kri_msvc_default_bench__${service}_main`
      const subscribers = subscribersOf(change % services)
      const all = arrivals.expect(cluster, subscribers)
      const at = performance.now()
      const name = `extra-${change}`
      const networking = { address: '127.0.0.1', inbound: [{ port: 30_000 + change, servicePort: 80, name: 'main', protocol: 'http' }] }
      const answered = api(`/meshes/default/dataplanes/${name}`, {
        method: 'PUT',
        body: JSON.stringify({ type: 'Dataplane', mesh: 'default', name, labels: { 'kuma.io/workload': service }, networking }),
      }).then(async response => {
        if (!response.ok) throw new Error(await response.text())
        return performance.now()
      })
      const times = await all
      afterAnswer.push(Math.max(...times) - (await answered))
      firsts.push(Math.min(...times) - at)
      lasts.push(Math.max(...times) - at)
      await pause(50)
    }
    const cpuPerChange = ((await cpuMs(zone.pid!)) - cpuChange) / changes
    const memoryMb = Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${zone.pid}/status`, 'utf8'))![1]) / 1024
    await pause(5000)
    const cpuRest = await cpuMs(zone.pid!)
    await pause(restMs)
    const atRest = ((await cpuMs(zone.pid!)) - cpuRest) / restMs

    const others = { Kuma: '1900 ms', Consul: '245 ms', 'Istio (debounce 10 ms)': '16 ms' }
    return [
      { name: 'PUT of an endpoint → last of 20 subscribed sidecars, median', value: median(lasts), unit: 'ms', goal: 10, others },
      { name: 'PUT of an endpoint → first subscribed sidecar, median', value: median(firsts), unit: 'ms' },
      { name: 'PUT of an endpoint → last of 20, slowest of 60', value: Math.max(...lasts), unit: 'ms' },
      { name: 'durable and answered → last of 20, median', value: median(afterAnswer), unit: 'ms' },
      { name: 'CPU of the zone a change', value: cpuPerChange, unit: 'ms', others: { 'Istio (debounce 10 ms)': '9 ms', Consul: '89 ms' } },
      { name: '200 sidecars registered and configured', value: configuredMs / 1000, unit: 's', others: { Kuma: '11 s', Consul: '2.1 s' } },
      { name: 'CPU of the zone for that', value: configuredCpuMs / 1000, unit: 's', others: { Kuma: '22 s', Consul: '1.4 s' } },
      { name: 'memory of the zone (RSS)', value: memoryMb, unit: 'MB', others: { Kuma: '215 MB', Consul: '358 MB' } },
      { name: 'CPU at rest', value: atRest, unit: 'cores', goal: 0.005, others: { Kuma: '0.105', Consul: '0.013' } },
    ]
  } finally {
    for (const close of open) close()
    await stop(zone)
    await rm(directory, { recursive: true, force: true })
  }
}

/** Sidecar i is an instance of service i mod 100, and calls the ten services after it. */
function calledBy(index: number): string[] {
  return Array.from({ length: outbounds }, (_, offset) => `svc-${(index + 1 + offset) % services}`)
}

function subscribersOf(service: number): number {
  return Array.from({ length: sidecars }, (_, index) => index).filter(index => calledBy(index).includes(`svc-${service}`)).length
}

/** Opens the agent stream and ADS; resolves when the endpoints of all its outbounds are there. */
function sidecar(
  index: number,
  address: string,
  token: string,
  rootCaPem: string,
  arrivals: Arrivals,
  open: (() => void)[],
): Promise<void> {
  const name = `sidecar-${index}`
  const authorization = `Bearer ${token}`
  const channel = new GrpcChannel(address, { tls: { rootCaPem, serverName: 'skerry-cp' } })
  open.push(() => channel.close())
  const agent = connectStream(channel, '/skerry.agent.v1.Agent/Connect', { authorization })
  const dataplane = {
    type: 'Dataplane',
    mesh: 'default',
    name,
    labels: { 'kuma.io/workload': `svc-${index % services}` },
    networking: {
      address: '127.0.0.1',
      inbound: [{ port: 20_000 + index, servicePort: 80, name: 'main', protocol: 'http' }],
      outbound: calledBy(index).map((service, offset) => ({ port: 10_001 + offset, backendRef: { kind: 'MeshService', name: service } })),
    },
  }
  const hello = {
    dataplane: JSON.stringify(dataplane),
    instanceId: name,
    version: 'bench',
    engine: 'bench',
    certificateNotAfterMs: BigInt(Date.now() + 3_600_000),
  }
  agent.send(toBinary(AgentMessageSchema, create(AgentMessageSchema, { message: { case: 'hello', value: hello } })))
  void drainMessages(agent.messages)

  const wanted = new Set(calledBy(index).map(service => `kri_msvc_default_bench__${service}_main`))
  const missing = new Set(wanted)
  return new Promise(resolve => {
    const client = new AdsClient({
      node: { id: `default.${name}` },
      connect: signal => connectStream(channel, DELTA_ADS_PATH, { authorization }, { signal }),
      onUpdate({ typeUrl, added }) {
        if (typeUrl === CDS) {
          const clusters = added.map(resource => resource.name).filter(cluster => wanted.has(cluster))
          if (clusters.length > 0) client.subscribe(EDS, clusters)
        }
        if (typeUrl !== EDS) return null
        for (const resource of added) {
          if (missing.delete(resource.name)) {
            if (missing.size === 0) resolve()
          } else arrivals.arrived(resource.name)
        }
        return null
      },
      clock: systemClock,
      backoff: new Backoff({ baseMs: 100, maxMs: 1000, random: systemRandom }),
    })
    client.subscribe(CDS, '*')
    client.subscribe(LDS, '*')
    client.start()
    open.push(() => void client.close())
  })
}

class Arrivals {
  #cluster = ''
  #times: number[] = []
  #wanted = 0
  #done: (times: readonly number[]) => void = () => {}

  expect(cluster: string, wanted: number): Promise<readonly number[]> {
    this.#cluster = cluster
    this.#times = []
    this.#wanted = wanted
    return new Promise(resolve => {
      this.#done = resolve
    })
  }

  arrived(cluster: string): void {
    if (cluster !== this.#cluster) return
    this.#times.push(performance.now())
    if (this.#times.length === this.#wanted) this.#done(this.#times)
  }
}

async function drainMessages(messages: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {
    // The channel was closed.
  }
}

async function whenThere(file: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text) return text
    if (tries > 600) throw new Error(`${file} did not appear`)
    await pause(50)
  }
}

async function cpuMs(pid: number): Promise<number> {
  const { readdir } = await import('node:fs/promises')
  const tasks = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(
    tasks.map(async task => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')).split(' ')[0]) / 1e6),
  )
  return times.reduce((sum, time) => sum + time, 0)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
