import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { create, toBinary } from '@bufbuild/protobuf'
import { DeltaDiscoveryRequestSchema } from '../src/gen/envoy/service/discovery/v3/discovery_pb.js'
import { DELTA_ADS_PATH } from '../src/xds/ads-server.ts'
import { CDS, EDS, LDS } from '../src/xds/resource-types.ts'
import type { Figure } from './figure.ts'
import { type ControlPlane, cpuMs, memoryMb, openControlPlane } from './xds-control-plane-support.ts'
import type { FleetConfig, FleetReport, FleetRequest } from './xds-fleet-support.ts'

export const about =
  'a zone control plane with 200 and with 1,000 sidecars, each on a TLS connection of its own: start, rest, changes, policies, storms'

interface Scale {
  readonly sidecars: number
  readonly services: number
  readonly outbounds: number
}

const small: Scale = { sidecars: 200, services: 100, outbounds: 10 }
const large: Scale = { sidecars: 1000, services: 200, outbounds: 20 }

const changes = 40
/** Changes before the measured ones: a control plane that has run for a while. */
const warmUp = 20
const restMs = 20_000
const stormSeconds = 60
const stormRate = 500

/** `[small|large|one-for-all|storm|mute …]`, and whom to measure instead of a zone of its own: see xds-control-plane-support.ts. */
export async function run(args: readonly string[]): Promise<Figure[]> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      api: { type: 'string' },
      xds: { type: 'string' },
      token: { type: 'string' },
      pid: { type: 'string' },
      'ca-file': { type: 'string' },
    },
  })
  const { api, xds, token, pid } = values
  const isExternal = api !== undefined && xds !== undefined && token !== undefined && pid !== undefined
  const external = isExternal ? { api, xds, token, pid: Number(pid), caFile: values['ca-file'] } : null
  const parts: Record<string, (plane: ControlPlane) => Promise<Figure[]>> = {
    small: plane => mesh(plane, small, othersOfSmall),
    large: plane => mesh(plane, large, othersOfLarge),
    'one-for-all': oneForAll,
    storm,
    mute,
  }
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts)
  const figures: Figure[] = []
  for (const name of chosen) {
    const part = parts[name]
    if (!part) throw new Error(`there is no part ${name}; there are: ${Object.keys(parts).join(', ')}`)
    const plane = await openControlPlane(external)
    try {
      figures.push(...(await part(plane)))
    } finally {
      await plane.close()
    }
  }
  return figures
}

interface Others {
  readonly goals: {
    readonly startS: number
    readonly startCpuS?: number
    readonly memory: number
    readonly last: number
    readonly changeCpu?: number
  }
  readonly start: Figure['others']
  readonly startCpu: Figure['others']
  readonly memory: Figure['others']
  readonly rest: Figure['others']
  readonly last: Figure['others']
  readonly changeCpu: Figure['others']
}

const othersOfSmall: Others = {
  goals: { startS: 1, memory: 130, last: 10 },
  start: { 'Kuma 3': '11 s', Consul: '2.1 s', Istio: '0.9 s' },
  startCpu: { 'Kuma 3': '22 s', Consul: '1.4 s', Istio: '0.56 s' },
  memory: { 'Kuma 3': '215 MB', Consul: '358 MB', Istio: '136 MB' },
  rest: { 'Kuma 3': '0.105', Consul: '0.013', Istio: '0' },
  last: { 'Kuma 3': '1,900 ms', Consul: '245 ms', Istio: '16 ms' },
  changeCpu: { Consul: '89 ms', Istio: '9 ms' },
}

const othersOfLarge: Others = {
  goals: { startS: 4, startCpuS: 5, memory: 250, last: 20, changeCpu: 25 },
  start: { 'Kuma 3': '69 s', Consul: '7.1 s', Istio: '4.1 s' },
  startCpu: { 'Kuma 3': '142 s', Consul: '12.1 s', Istio: '3.1 s' },
  memory: { 'Kuma 3': '934 MB', Consul: '2,829 MB', Istio: '279 MB', 'bare TLS streams': '114 MB' },
  rest: { 'Kuma 3': '1.04', Consul: '0.057', Istio: '0' },
  last: { 'Kuma 3': '13,500 ms', Consul: '535 ms', Istio: '40 ms', 'bare TLS streams': '9.5 ms' },
  changeCpu: { 'Kuma 3': '27.6 s', Consul: '1.54 s', Istio: '33 ms', 'bare TLS streams': '11 ms' },
}

/** The whole way: registration → plan → xDS; then a change at a time: API → store → registry → plan → xDS → last subscribed sidecar. */
async function mesh(plane: ControlPlane, scale: Scale, others: Others): Promise<Figure[]> {
  const { sidecars } = scale
  const calls = (index: number) => calledBy(index, scale)
  const before = await cpuMs(plane.pid)
  await registerElsewhere(plane, scale, calls)
  const started = process.hrtime.bigint()
  await using fleet = await Fleet.start(plane, scale, calls)
  const configuredS = Number(BigInt(fleet.configuredAt) - started) / 1e9
  const configuredCpuS = ((await cpuMs(plane.pid)) - before) / 1000
  await fleet.listen()

  const rounds: Round[] = []
  for (let change = 0; change < warmUp + changes; change++) {
    const service = change % scale.services
    const subscribers = Array.from({ length: sidecars }, (_, index) => index).filter(index => calls(index).includes(nameOf(service))).length
    const round = await changeEndpoint(plane, fleet, service, `extra-${change}`, 30_000 + change, subscribers)
    if (change >= warmUp) rounds.push(round)
    await pause(50)
  }
  await pause(3000)
  const memory = await memoryMb(plane.pid)
  const policy = plane.hasAgents ? await changePolicy(plane, fleet, sidecars) : null
  await pause(5000)
  const restCpu = await cpuMs(plane.pid)
  await pause(restMs)
  const atRest = ((await cpuMs(plane.pid)) - restCpu) / restMs
  const again = plane.restart ? await restarted(plane, fleet, sidecars) : null

  const at = `${sidecars} × ${scale.services} × ${scale.outbounds}`
  const { goals } = others
  const subscribers = Math.round((sidecars * scale.outbounds) / scale.services)
  return [
    { name: `${at}: start → all configured`, value: configuredS, unit: 's', goal: goals.startS, others: others.start! },
    {
      name: `${at}: … CPU`,
      value: configuredCpuS,
      unit: 's',
      ...(goals.startCpuS ? { goal: goals.startCpuS } : {}),
      others: others.startCpu!,
    },
    { name: `${at}: memory`, value: memory, unit: 'MB', goal: goals.memory, others: others.memory! },
    { name: `${at}: CPU at rest`, value: atRest, unit: 'cores', goal: 0.005, others: others.rest! },
    {
      name: `${at}: an endpoint → last of ${subscribers}, median`,
      value: median(rounds, 'lastMs'),
      unit: 'ms',
      goal: goals.last,
      others: others.last!,
    },
    { name: `${at}: … first, median`, value: median(rounds, 'firstMs'), unit: 'ms' },
    { name: `${at}: … last, slowest of ${changes}`, value: Math.max(...rounds.map(round => round.lastMs)), unit: 'ms' },
    {
      name: `${at}: … CPU a change`,
      value: mean(rounds, 'cpuMs'),
      unit: 'ms',
      ...(goals.changeCpu ? { goal: goals.changeCpu } : {}),
      others: others.changeCpu!,
    },
    ...(policy === null ? [] : [{ name: `${at}: a policy that changes a listener of each → last`, value: policy, unit: 'ms', goal: 3000 }]),
    ...(again === null
      ? []
      : [
          { name: `${at}: killed and started again → all connected`, value: again.connectedS, unit: 's' },
          { name: `${at}: … resources sent again, of all`, value: again.sentAgain, unit: '', goal: 0 },
        ]),
  ]
}

/** 1,000 sidecars that call the same two services, one of them with 1,000 endpoints. */
async function oneForAll(plane: ControlPlane): Promise<Figure[]> {
  const scale = { ...large, outbounds: 2 }
  const instances = Array.from({ length: 1000 }, (_, index) => instance(`big-${index}`, 'big', 30_000 + index))
  await bulk(plane, [...instances, instance('popular-0', 'popular', 29_000)])
  await using fleet = await Fleet.start(plane, scale, () => ['big', 'popular'])
  await fleet.listen()
  const rounds = async (service: string, port: number) => {
    const all: Round[] = []
    for (let change = 0; change < 15; change++) {
      const round = await changeInstance(plane, fleet, service, `${service}-more-${change}`, port + change, scale.sidecars)
      if (change >= 5) all.push(round)
      await pause(200)
    }
    return all
  }
  const popular = await rounds('popular', 28_000)
  const big = await rounds('big', 27_000)
  return [
    {
      name: 'an endpoint of a service that all 1,000 call → last, median',
      value: median(popular, 'lastMs'),
      unit: 'ms',
      goal: 100,
      others: { 'bare TLS streams': '65 ms' },
    },
    { name: '… CPU a change', value: mean(popular, 'cpuMs'), unit: 'ms' },
    { name: 'an endpoint of 1,000 changes → last of 1,000, median', value: median(big, 'lastMs'), unit: 'ms', goal: 150 },
    { name: '… CPU a change', value: mean(big, 'cpuMs'), unit: 'ms' },
  ]
}

/** Instances come and go, 500 a second. */
async function storm(plane: ControlPlane): Promise<Figure[]> {
  await using fleet = await Fleet.start(plane, large, index => calledBy(index, large))
  await fleet.listen()
  await fleet.ask({ kind: 'seen' }, 'seen')
  const cpu = await cpuMs(plane.pid)
  const began = performance.now()
  const total = stormSeconds * stormRate
  const inFlight = new Set<Promise<unknown>>()
  let last = 0n
  for (let sent = 0; sent < total; sent++) {
    const due = began + (sent * 1000) / stormRate
    const wait = due - performance.now()
    if (wait > 1) await pause(wait)
    const at = sent % 1000
    const name = `storm-${at}`
    const path = `/meshes/default/dataplanes/${name}`
    const comes = Math.floor(sent / 1000) % 2 === 0
    const body = JSON.stringify(instance(name, nameOf(at % large.services), 40_000 + (at % 20_000)))
    const call = plane
      .api(path, comes ? { method: 'PUT', body } : { method: 'DELETE', headers: { 'content-type': 'text/plain' } })
      .then(() => {
        last = process.hrtime.bigint()
      })
    inFlight.add(call)
    void call.finally(() => inFlight.delete(call))
    if (inFlight.size > 64) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
  const tookS = (performance.now() - began) / 1000
  const cores = ((await cpuMs(plane.pid)) - cpu) / 1000 / tookS
  await pause(3000)
  const { lastAt } = await fleet.ask({ kind: 'seen' }, 'seen')
  const { differing } = await fleet.ask({ kind: 'versions' }, 'versions')
  return [
    { name: `${stormRate} changes a second for ${stormSeconds} s: taken`, value: total / tookS, unit: '/s', least: stormRate * 0.98 },
    {
      name: '… last change answered → last sidecar is current',
      value: Math.max(0, Number(BigInt(lastAt) - last) / 1e6),
      unit: 'ms',
      goal: 1000,
    },
    { name: '… services that sidecars see differently after it', value: differing, unit: '', goal: 0 },
    { name: '… CPU', value: cores, unit: 'cores', goal: 1 },
  ]
}

/** Clients that ask for a service of 1,000 endpoints and never read, beside some that do. */
async function mute(plane: ControlPlane): Promise<Figure[]> {
  const scale = { sidecars: 20, services: 1, outbounds: 1 }
  await bulk(
    plane,
    Array.from({ length: 1000 }, (_, index) => instance(`big-${index}`, 'big', 30_000 + index)),
  )
  await using fleet = await Fleet.start(plane, scale, () => ['big'])
  const alone: Round[] = []
  for (let change = 0; change < 30; change++)
    alone.push(await changeInstance(plane, fleet, 'big', `before-${change}`, 25_000 + change, scale.sidecars))
  await pause(3000)
  const before = await memoryMb(plane.pid)
  const mutes = 50
  const sessions = Array.from({ length: mutes }, (_, index) => neverReads(plane, `sidecar-${index % scale.sidecars}`))
  await pause(2000)
  const beside: Round[] = []
  for (let change = 0; change < 30; change++)
    beside.push(await changeInstance(plane, fleet, 'big', `after-${change}`, 26_000 + change, scale.sidecars))
  await pause(3000)
  const after = await memoryMb(plane.pid)
  for (const session of sessions) session.destroy()
  return [
    { name: 'a client that never reads: memory', value: Math.max(0, after - before) / mutes, unit: 'MB', goal: 2 },
    {
      name: `… to the others, with ${mutes} of them: last, of its time without`,
      value: median(beside, 'lastMs') / median(alone, 'lastMs'),
      unit: '×',
    },
  ]
}

function neverReads(plane: ControlPlane, name: string) {
  const session = connectHttp2(`https://${plane.xds}`, { ca: plane.rootCaPem, servername: plane.serverName })
  session.on('error', () => {})
  const stream = session.request({
    ':method': 'POST',
    ':path': DELTA_ADS_PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${plane.token}`,
  })
  stream.on('error', () => {})
  stream.pause()
  for (const typeUrl of [CDS, LDS, EDS]) {
    const request = create(DeltaDiscoveryRequestSchema, {
      node: { id: `default.${name}` },
      typeUrl,
      resourceNamesSubscribe: typeUrl === EDS ? [clusterOf('big')] : ['*'],
    })
    const bytes = toBinary(DeltaDiscoveryRequestSchema, request)
    const frame = Buffer.alloc(5 + bytes.length)
    frame.writeUInt32BE(bytes.length, 1)
    frame.set(bytes, 5)
    stream.write(frame)
  }
  return session
}

interface Round {
  readonly firstMs: number
  readonly lastMs: number
  readonly cpuMs: number
}

function changeEndpoint(
  plane: ControlPlane,
  fleet: Fleet,
  service: number,
  name: string,
  port: number,
  subscribers: number,
): Promise<Round> {
  return changeInstance(plane, fleet, nameOf(service), name, port, subscribers)
}

async function changeInstance(
  plane: ControlPlane,
  fleet: Fleet,
  service: string,
  name: string,
  port: number,
  count: number,
): Promise<Round> {
  const all = fleet.ask({ kind: 'expect', typeUrl: EDS, name: clusterOf(service), count }, 'arrived')
  await pause(5)
  const cpu = await cpuMs(plane.pid)
  const at = process.hrtime.bigint()
  await plane.api(`/meshes/default/dataplanes/${name}`, { method: 'PUT', body: JSON.stringify(instance(name, service, port)) })
  const { first, last } = await all
  await pause(30)
  return { firstMs: Number(BigInt(first) - at) / 1e6, lastMs: Number(BigInt(last) - at) / 1e6, cpuMs: (await cpuMs(plane.pid)) - cpu }
}

/** @returns ms until the last sidecar had its listener */
async function changePolicy(plane: ControlPlane, fleet: Fleet, sidecars: number): Promise<number> {
  const all = fleet.ask({ kind: 'expect', typeUrl: LDS, name: null, count: sidecars }, 'arrived')
  await pause(5)
  const at = process.hrtime.bigint()
  const spec = { rules: [{ default: { http: { requestTimeout: '7s' } } }] }
  await plane.api('/meshes/default/meshtimeouts/bench', {
    method: 'PUT',
    body: JSON.stringify({ type: 'MeshTimeout', mesh: 'default', name: 'bench', spec }),
  })
  return Number(BigInt((await all).last) - at) / 1e6
}

async function restarted(plane: ControlPlane, fleet: Fleet, sidecars: number): Promise<{ connectedS: number; sentAgain: number }> {
  await fleet.ask({ kind: 'seen' }, 'seen')
  const at = performance.now()
  await plane.restart!()
  await pause(500)
  for (;;) {
    const { connected } = await fleet.ask({ kind: 'seen' }, 'seen')
    if (connected === sidecars) break
    await pause(100)
  }
  const connectedS = (performance.now() - at) / 1000
  await pause(5000)
  const { resources } = await fleet.ask({ kind: 'seen' }, 'seen')
  return { connectedS, sentAgain: resources }
}

class Fleet {
  readonly configuredAt: string
  readonly #child: ChildProcess

  static async start(plane: ControlPlane, { sidecars, services }: Scale, calls: (index: number) => readonly string[]): Promise<Fleet> {
    const config: FleetConfig = {
      address: plane.xds,
      rootCaPem: plane.rootCaPem,
      serverName: plane.serverName,
      authorization: `Bearer ${plane.token}`,
      hasAgents: plane.hasAgents,
      sidecars: Array.from({ length: sidecars }, (_, index) => ({
        name: `sidecar-${index}`,
        dataplane: sidecar(index, nameOf(index % services), calls(index)),
        clusters: calls(index).map(clusterOf),
      })),
    }
    // What a thousand sidecars are is too much for an argument.
    const child = fork(join(import.meta.dirname, 'xds-fleet-support.ts'))
    child.send(config)
    const { at } = await answer(child, 'configured')
    return new Fleet(child, at)
  }

  private constructor(child: ChildProcess, configuredAt: string) {
    this.#child = child
    this.configuredAt = configuredAt
  }

  ask<K extends FleetReport['kind']>(request: FleetRequest, kind: K): Promise<Extract<FleetReport, { kind: K }>> {
    const answered = answer(this.#child, kind)
    this.#child.send(request)
    return answered
  }

  /** Resolves when all are ready, and nothing has come for a while. */
  async listen(): Promise<void> {
    this.#child.send({ kind: 'listen' } satisfies FleetRequest)
    for (let quiet = 0; quiet < 3; ) {
      await pause(1000)
      const { resources } = await this.ask({ kind: 'seen' }, 'seen')
      quiet = resources === 0 ? quiet + 1 : 0
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }
}

function answer<K extends FleetReport['kind']>(child: ChildProcess, kind: K): Promise<Extract<FleetReport, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('the sidecars died'))
    const onMessage = (message: FleetReport) => {
      if (message.kind !== kind) return
      child.off('exit', onExit)
      child.off('message', onMessage)
      resolve(message as Extract<FleetReport, { kind: K }>)
    }
    child.on('message', onMessage)
    child.once('exit', onExit)
  })
}

/** Where sidecars have no agents, somebody else says that they are there. */
async function registerElsewhere(
  plane: ControlPlane,
  { sidecars, services }: Scale,
  calls: (index: number) => readonly string[],
): Promise<void> {
  if (plane.hasAgents) return
  for (let index = 0; index < sidecars; index++) {
    await plane.api(`/meshes/default/dataplanes/sidecar-${index}`, {
      method: 'PUT',
      body: JSON.stringify(sidecar(index, nameOf(index % services), calls(index))),
    })
  }
}

async function bulk(plane: ControlPlane, resources: readonly unknown[]): Promise<void> {
  for (const resource of resources as readonly { name: string }[])
    await plane.api(`/meshes/default/dataplanes/${resource.name}`, { method: 'PUT', body: JSON.stringify(resource) })
}

/** Sidecar i is an instance of service i mod n, and calls the services after it. */
function calledBy(index: number, { services, outbounds }: Scale): string[] {
  return Array.from({ length: outbounds }, (_, offset) => nameOf((index + 1 + offset) % services))
}

function nameOf(service: number): string {
  return `svc-${service}`
}

function clusterOf(service: string): string {
  return `kri_msvc_default_bench__${service}_main`
}

function sidecar(index: number, service: string, calls: readonly string[]) {
  const { networking, ...rest } = instance(`sidecar-${index}`, service, 20_000 + index)
  const outbound = calls.map((name, offset) => ({ port: 10_001 + offset, backendRef: { kind: 'MeshService', name } }))
  return { ...rest, networking: { ...networking, outbound } }
}

function instance(name: string, service: string, port: number) {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name,
    labels: { 'kuma.io/workload': service },
    networking: { address: '127.0.0.1', inbound: [{ port, servicePort: 80, name: 'main', protocol: 'http' }] },
  }
}

function median(rounds: readonly Round[], key: keyof Round): number {
  return rounds.map(round => round[key]).sort((a, b) => a - b)[Math.floor(rounds.length / 2)]!
}

function mean(rounds: readonly Round[], key: keyof Round): number {
  return rounds.reduce((sum, round) => sum + round[key], 0) / rounds.length
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
