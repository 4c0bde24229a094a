import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failuresOf, Load, type Sample, servedBy } from '../dev/load.ts'
import { DemoMesh } from '../dev/mesh.ts'
import type { Figure } from './figure.ts'

export const about = 'the demo mesh in situations that users meet, 100 requests a second, no traffic policy beyond the demo’s'

const perSecond = 100
const skerry = join(import.meta.dirname, '../bin/skerry.js')

/** Starts the demo mesh, then brings about one situation after the other. Kuma's figures: a real Kuma 3.0-dev in the same situations. */
export async function run(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-situations-'))
  const figures: Figure[] = []
  const add = (name: string, value: number, unit: string, goal: number, kuma?: string) => {
    figures.push({ name, value, unit, goal, ...(kuma ? { others: { Kuma: kuma } } : {}) })
    process.stderr.write(`  ${name}: ${value.toFixed(1)} ${unit}\n`)
  }
  const started = performance.now()
  const mesh = await DemoMesh.start({ dataDir: directory, restartAfterMs: null })
  add('npm start → ready', (performance.now() - started) / 1000, 's', 15)
  try {
    await pause(3000)
    await newWorkload(mesh, directory, add)
    for (const [title, name, kuma, goal] of [
      ['its application dies', 'payments-aws-1-app', 'never fails over', 1],
      ['its proxy dies', 'payments-aws-1', '1089 failed', 1],
    ] as const) {
      const { failed, returned, gradual } = await death(mesh, [name])
      add(`the only local instance: ${title}, failed besides those in flight`, failed, 'requests', goal, kuma)
      add(`the only local instance: ${title}, failed when it came back`, returned, 'requests', 0, '16–478')
      add(`the only local instance: ${title}, its share of the first second back`, gradual, '%', 50)
    }
    add('an instance is stopped with SIGTERM, failed', await orderlyStop(mesh), 'requests', 0, '61–114 over 11 s')
    const zone = mesh.supervisor.processes().filter(process => process.zone === 'aws-1')
    const dead = await death(
      mesh,
      zone.map(process => process.name),
    )
    add('a whole zone dies (kill -9), failed besides those in flight', dead.failed, 'requests', 100, 'every request, for ever')
    add('a whole zone dies, last failure after', dead.lastFailureMs, 'ms', 1000)
    add('a sidecar crashes and is started at once, without outbound for', await crash(mesh), 'ms', 2000, '21 s')
    const crossing = await changeCrossesZones(mesh)
    add('a change in one zone → in the other, median', crossing.median, 'ms', 200, '2–5 s')
    add('a change in one zone → in the other, slowest of 10', crossing.max, 'ms', 200)
    add('global restarted → changes flow again', await globalRestart(mesh), 'ms', 3000, '5–68 s')
    const rest = await cpuAtRest(mesh)
    add('control plane at rest, zone with 5 proxies', rest.zone, 'cores', 0.005, '0.105 (200 sidecars)')
    add('control plane at rest, global', rest.global, 'cores', 0.005)
    add('memory of everything, PSS', await memory(mesh), 'MB', 1000)
  } finally {
    await mesh.stop()
    await rm(directory, { recursive: true, force: true })
  }
  return figures
}

/** A user's own workload in azure-1: until a sidecar of its zone, and one of the other, reaches it by name. */
async function newWorkload(
  mesh: DemoMesh,
  directory: string,
  add: (name: string, value: number, unit: string, goal: number, kuma?: string) => void,
): Promise<void> {
  const results = { same: [] as number[], other: [] as number[], fromStart: [] as number[], refused: 0 }
  for (let round = 0; round < 3; round++) {
    const service = `hello-${round}`
    const app = createServer((_, response) => response.end('hello\n'))
    const port = await listen(app)
    const token = await mesh.dataplaneToken('azure-1', service)
    const { ports } = mesh.layout
    const loads = {
      same: new Load(`http://127.0.0.1:${ports['web-http-proxy']}/`, perSecond, { host: `${service}.mesh` }),
      other: new Load(`http://127.0.0.1:${ports['payments-aws-1-http-proxy']}/`, perSecond, { host: `${service}.mesh` }),
    }
    const epoch = Date.now() - loads.same.elapsedMs
    const startedAt = Date.now()
    const proxy = spawn(
      process.execPath,
      [
        skerry,
        'proxy',
        'run',
        '--cp',
        `127.0.0.1:${ports['azure-1-xds']}`,
        '--token-file',
        token,
        '--service',
        service,
        '--port',
        String(port),
        '--data',
        join(directory, service),
      ],
      { stdio: 'ignore' },
    )
    try {
      const [same, other] = await Promise.all([
        loads.same.until(sample => sample.ok, 30_000),
        loads.other.until(sample => sample.ok, 30_000),
      ])
      const opened = await connectedAt(mesh, service)
      results.same.push(epoch + same.at + same.tookMs - opened)
      results.other.push(epoch + other.at + other.tookMs - opened)
      results.fromStart.push(epoch + same.at + same.tookMs - startedAt)
      await pause(1000)
      for (const [load, first] of [
        [loads.same, same],
        [loads.other, other],
      ] as const)
        results.refused += failuresOf(await load.stop(), first.at).length
    } finally {
      await Promise.all([loads.same.stop(), loads.other.stop()])
      await stop(proxy)
      app.closeAllConnections()
      app.close()
    }
  }
  add('workload registered → first request, same zone', median(results.same), 'ms', 250, '6.3 s')
  add('workload registered → first request, other zone', median(results.other), 'ms', 500, '5.1 s')
  add('process started → first request, same zone', median(results.fromStart), 'ms', 1500, '6.3 s')
  add('refused after it was published', results.refused, 'requests', 0, '0.9–2.9 s of 503')
}

/** Unix ms at which the agent's stream opened, as its zone says. */
async function connectedAt(mesh: DemoMesh, service: string): Promise<number> {
  const { items } = (await mesh.api(
    mesh.zoneApi('azure-1'),
    `/meshes/default/dataplanes/_overview?filter[labels.kuma.io/workload]=${service}`,
  )) as {
    items: { dataplaneInsight: { subscriptions: { connectTime: string }[] } }[]
  }
  return Date.parse(items[0]!.dataplaneInsight.subscriptions.at(-1)!.connectTime)
}

interface Death {
  readonly failed: number
  readonly lastFailureMs: number
  /** Failures after it was started again. */
  readonly returned: number
  /** Share of the requests that went back to aws-1 in the first second after the first one did, per cent. */
  readonly gradual: number
}

async function death(mesh: DemoMesh, names: readonly string[]): Promise<Death> {
  const load = new Load(mesh.urls.shop, perSecond)
  await load.until(sample => servedBy(sample) === 'aws-1', 15_000)
  await pause(12_000)
  const killedAt = load.elapsedMs
  for (const name of names) mesh.supervisor.kill(name)
  await pause(4000)
  const revivedAt = load.elapsedMs
  for (const name of names) mesh.supervisor.revive(name)
  const back = await load.until(sample => servedBy(sample) === 'aws-1', 30_000, revivedAt)
  await pause(12_000)
  const samples = await load.stop()
  // What was on its way when the signal was sent is not counted; the signal itself takes a moment.
  const failed = failuresOf(samples, killedAt + 10, revivedAt)
  const firstSecond = samples.filter(sample => sample.at >= back.at && sample.at < back.at + 1000)
  return {
    failed: failed.length,
    lastFailureMs: Math.max(0, ...failed.map(sample => sample.at - killedAt)),
    returned: failuresOf(samples, revivedAt).length,
    gradual: (100 * firstSecond.filter(sample => servedBy(sample) === 'aws-1').length) / Math.max(1, firstSecond.length),
  }
}

async function orderlyStop(mesh: DemoMesh): Promise<number> {
  const load = new Load(mesh.urls.shop, perSecond)
  await load.until(sample => servedBy(sample) === 'aws-1', 15_000)
  await pause(2000)
  mesh.supervisor.kill('payments-aws-1', 'SIGTERM')
  await pause(6000)
  mesh.supervisor.revive('payments-aws-1')
  await load.until(sample => servedBy(sample) === 'aws-1', 30_000, load.elapsedMs)
  await pause(12_000)
  return failuresOf(await load.stop()).length
}

/** web's own sidecar: its application's outbound is that of the shop's every request. */
async function crash(mesh: DemoMesh): Promise<number> {
  const load = new Load(`http://127.0.0.1:${mesh.layout.ports['web-to-orders']}/`, perSecond)
  await load.until(sample => sample.ok, 15_000)
  await pause(1000)
  const killedAt = load.elapsedMs
  mesh.supervisor.kill('web-azure-1')
  while (mesh.supervisor.isRunning('web-azure-1')) await pause(1)
  mesh.supervisor.revive('web-azure-1')
  await pause(50)
  const back = await load.until((sample: Sample) => sample.ok, 30_000, load.elapsedMs)
  await pause(1000)
  await load.stop()
  return back.at - killedAt
}

/** A service made in aws-1 → azure-1 has it. */
async function changeCrossesZones(mesh: DemoMesh): Promise<{ median: number; max: number }> {
  const times: number[] = []
  for (let round = 0; round < 10; round++) times.push(await crossing(mesh, `crossing-${round}`))
  return { median: median(times), max: Math.max(...times) }
}

async function crossing(mesh: DemoMesh, name: string): Promise<number> {
  const path = `/meshes/default/meshservices/${name}`
  const body = {
    type: 'MeshService',
    mesh: 'default',
    name,
    spec: { selector: { dataplaneLabels: { matchLabels: { app: name } } }, ports: [{ name: 'main', port: 80, appProtocol: 'http' }] },
  }
  const started = performance.now()
  await mesh.api(mesh.zoneApi('aws-1'), path, { method: 'PUT', body })
  for (;;) {
    const { total } = (await mesh.api(
      mesh.zoneApi('azure-1'),
      `/meshes/default/meshservices?filter[labels.kuma.io/display-name]=${name}`,
    )) as { total: number }
    if (total > 0) break
    if (performance.now() - started > 90_000) break
  }
  const took = performance.now() - started
  await mesh.api(mesh.zoneApi('aws-1'), path, { method: 'DELETE' })
  return took
}

/** From the moment that the new process of global answers until a change of one zone is in the other. */
async function globalRestart(mesh: DemoMesh): Promise<number> {
  mesh.supervisor.kill('global')
  await pause(5000)
  mesh.supervisor.revive('global')
  while (!(await fetch(mesh.urls.api).catch(() => null))?.ok) await pause(10)
  return crossing(mesh, 'after-restart')
}

async function cpuAtRest(mesh: DemoMesh): Promise<{ zone: number; global: number }> {
  await pause(10_000)
  const pid = (name: string) => mesh.supervisor.processes().find(process => process.name === name)!.pid
  const before = { zone: await cpuMs(pid('azure-1')), global: await cpuMs(pid('global')) }
  await pause(30_000)
  return { zone: ((await cpuMs(pid('azure-1'))) - before.zone) / 30_000, global: ((await cpuMs(pid('global'))) - before.global) / 30_000 }
}

/** CPU time of all threads of a process, from the scheduler's nanosecond counters. */
async function cpuMs(pid: number): Promise<number> {
  const { readFile, readdir } = await import('node:fs/promises')
  const tasks = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(
    tasks.map(async task => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')).split(' ')[0]) / 1e6),
  )
  return times.reduce((sum, time) => sum + time, 0)
}

/** Proportional set size of every process of the mesh, MB: shared pages are counted once. */
async function memory(mesh: DemoMesh): Promise<number> {
  const { readFile } = await import('node:fs/promises')
  const sizes = await Promise.all(
    mesh.supervisor.processes().map(async ({ pid }) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function listen(server: Server): Promise<number> {
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)))
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 6000)
  await exited
  clearTimeout(timer)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
