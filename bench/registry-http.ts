import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import { type BenchZone, hasCompiler, pause, percentile, type RawConnection, startZone } from './registry-http-support.ts'

export const about =
  'a zone as a registry over HTTP, on disk: registrations, reads beside them, bulk apply, lists of 100,000, blocking reads, watches'

/** Arguments name parts: `npm run bench -- registry-http writes watchers`. */
const parts = { writes, paced, slow, bulk, lists, watchers, events }

export async function run(args: readonly string[]): Promise<readonly Figure[]> {
  const wanted = Object.entries(parts).filter(([name]) => args.length === 0 || args.includes(name))
  const figures: Figure[] = []
  for (const [, measure] of wanted) figures.push(...(await measure()))
  return figures
}

const mesh = '/meshes/default'

/** What `PUT /v1/catalog/register` is in Consul: an instance of a service, with its address and port. */
function instance(name: string, service: string, n = 0) {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name,
    labels: { app: service, team: `team-${n % 500}` },
    networking: {
      address: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
      inbound: [{ name: 'http', port: 8080 + (n % 1000), servicePort: 80, protocol: 'http' }],
    },
  }
}

function service(name: string) {
  return {
    type: 'MeshService',
    mesh: 'default',
    name,
    spec: {
      selector: { dataplaneLabels: { matchLabels: { app: name } } },
      ports: [{ name: 'http', port: 80, targetPort: 'http', appProtocol: 'http' }],
    },
  }
}

/** New instances, as fast as 1 and 64 writers can, each waiting for its acknowledgement. */
async function writes(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [writers, seconds, others] of [
    [1, 3, '674/s'],
    [64, 6, '1,200/s'],
  ] as const) {
    await using zone = await startZone()
    const connections = await Promise.all(Array.from({ length: writers }, () => zone.open()))
    await warmUp(zone, connections)
    // What the client does counts, too: it has the same processors.
    const requests = registrations(zone, seconds * (writers === 1 ? 2000 : 9000))
    const cpu = await zone.cpuMs()
    const begin = performance.now()
    const latencies: number[] = []
    let next = 0
    await Promise.all(
      connections.map(async connection => {
        while (performance.now() - begin < seconds * 1000 && next < requests.length) {
          const sent = performance.now()
          expect((await connection.send(requests[next++]!)).status, 201)
          latencies.push(performance.now() - sent)
        }
      }),
    )
    const elapsed = performance.now() - begin
    const used = (await zone.cpuMs()) - cpu
    const what = `registrations, ${writers} writer${writers === 1 ? '' : 's'}`
    figures.push(
      {
        name: what,
        value: (latencies.length / elapsed) * 1000,
        unit: '/s',
        ...(writers === 64 ? { least: 6000 } : {}),
        others: { 'Consul 1.22 on disk': others },
      },
      { name: `${what}: p50`, value: percentile(latencies, 0.5), unit: 'ms', others: { Consul: writers === 1 ? '1.2 ms' : '43 ms' } },
      { name: `${what}: p99`, value: percentile(latencies, 0.99), unit: 'ms', others: { Consul: writers === 1 ? '6.3 ms' : '150 ms' } },
      { name: `${what}: CPU each`, value: (used * 1000) / latencies.length, unit: 'µs', others: { Consul: '920-1,270 µs' } },
    )
    for (const connection of connections) connection.close()
  }
  return figures
}

function paced(): Promise<Figure[]> {
  return pacedWrites('3,000 registrations a second', 0)
}

async function slow(): Promise<Figure[]> {
  if (!hasCompiler()) return []
  return pacedWrites('3,000 registrations a second, 2 ms added to each flush', 2)
}

/** 3,000 writes and 500 reads a second, each sent when its time has come and not when the one before is answered. */
async function pacedWrites(what: string, fsyncMs: number): Promise<Figure[]> {
  await using zone = await startZone({ fsyncMs })
  const writers = await Promise.all(Array.from({ length: 128 }, () => zone.open()))
  const readers = await Promise.all(Array.from({ length: 16 }, () => zone.open()))
  await warmUp(zone, writers)
  const written: number[] = []
  const read: number[] = []
  const readOne = zone.request('GET', `${mesh}/dataplanes/warm-0`)
  const requests = registrations(zone, 3000 * 5)
  const ended = Promise.all([
    atRate(3000, 5, async n => {
      const sent = performance.now()
      expect((await writers[n % writers.length]!.send(requests[n]!)).status, 201)
      written.push(performance.now() - sent)
    }),
    atRate(500, 5, async n => {
      const sent = performance.now()
      expect((await readers[n % readers.length]!.send(readOne)).status, 200)
      read.push(performance.now() - sent)
    }),
  ])
  await ended
  const flush = fsyncMs === 0 ? [{ name: 'fdatasync of this disk: p50', value: flushMs(zone.directory), unit: 'ms' }] : []
  for (const connection of [...writers, ...readers]) connection.close()
  return [
    ...flush,
    { name: `${what}: GET p50`, value: percentile(read, 0.5), unit: 'ms' },
    { name: `${what}: GET p99`, value: percentile(read, 0.99), unit: 'ms', goal: 10 },
    { name: `${what}: write p50`, value: percentile(written, 0.5), unit: 'ms' },
    { name: `${what}: write p99`, value: percentile(written, 0.99), unit: 'ms', goal: 30 },
  ]
}

/** `POST /bulk` of 1,000 instances each, two at a time. */
async function bulk(): Promise<Figure[]> {
  await using zone = await startZone()
  const connections = await Promise.all(Array.from({ length: 2 }, () => zone.open()))
  await warmUp(zone, connections)
  const each = 1000
  const requests = Array.from({ length: 60 }, (_, b) => {
    const items = Array.from({ length: each }, (_, i) => ({ resource: instance(`b-${b}-${i}`, `s-${i % 200}`, b * each + i) }))
    return zone.request('POST', '/bulk', { items })
  })
  const cpu = await zone.cpuMs()
  const begin = performance.now()
  let next = 0
  await Promise.all(
    connections.map(async connection => {
      for (let request = requests[next++]; request; request = requests[next++]) expect((await connection.send(request)).status, 200)
    }),
  )
  const elapsed = performance.now() - begin
  const used = (await zone.cpuMs()) - cpu
  for (const connection of connections) connection.close()
  const what = 'bulk apply, 1,000 resources each'
  return [
    { name: what, value: ((requests.length * each) / elapsed) * 1000, unit: 'resources/s', least: 20_000 },
    { name: `${what}: CPU each`, value: (used * 1000) / (requests.length * each), unit: 'µs' },
  ]
}

/** Reads of 100,000 instances. */
async function lists(): Promise<Figure[]> {
  await using zone = await startZone()
  const connection = await zone.open()
  const total = 100_000
  for (let first = 0; first < total; first += 4000) {
    const items = Array.from({ length: 4000 }, (_, i) => ({
      resource: instance(`l-${first + i}`, `s-${(first + i) % 200}`, first + i),
    }))
    expect((await connection.send(zone.request('POST', '/bulk', { items }))).status, 200)
  }
  await pause(2000)
  const timed = async (path: string, count: number) => {
    const request = zone.request('GET', path)
    for (let n = 0; n < 10; n++) expect((await connection.send(request)).status, 200)
    const times: number[] = []
    for (let n = 0; n < count; n++) {
      const sent = performance.now()
      await connection.send(request)
      times.push(performance.now() - sent)
    }
    return times
  }
  const page = await timed(`${mesh}/dataplanes?size=100&offset=50000`, 200)
  const labelled = await timed(`${mesh}/dataplanes?size=1000&filter[labels.team]=team-7`, 200)
  const twoLabels = await timed(`/dataplanes?size=100&filter[labels.team]=team-7&filter[labels.app]=s-7`, 100)
  const byName = await timed(`${mesh}/dataplanes?size=100&name=l-999`, 50)
  const item = await timed(`${mesh}/dataplanes/l-50000`, 500)
  connection.close()
  const what = 'of 100,000'
  return [
    { name: `a page of 100 ${what}: p50`, value: percentile(page, 0.5), unit: 'ms', goal: 10 },
    { name: `a page of 100 ${what}: p99`, value: percentile(page, 0.99), unit: 'ms', goal: 20 },
    { name: `those with a label (200) ${what}: p50`, value: percentile(labelled, 0.5), unit: 'ms', goal: 50 },
    { name: `those with two labels, all meshes, ${what}: p50`, value: percentile(twoLabels, 0.5), unit: 'ms', goal: 50 },
    { name: `those with a part of the name ${what}: p50`, value: percentile(byName, 0.5), unit: 'ms', goal: 50 },
    { name: `one ${what}: p50`, value: percentile(item, 0.5), unit: 'ms' },
    { name: `RSS with 100,000 instances`, value: await zone.rssMb(), unit: 'MB' },
  ]
}

const followed = 20
const readersEach = 50

/** 1,000 blocking reads of services' endpoints (5 instances each); one more instance → the last of its readers has the answer. */
async function watchers(): Promise<Figure[]> {
  await using zone = await startZone()
  const writer = await zone.open()
  const items = Array.from({ length: followed }, (_, s) => [
    { resource: service(`s-${s}`) },
    ...Array.from({ length: 5 }, (_, i) => ({ resource: instance(`w-${s}-${i}`, `s-${s}`, s * 5 + i) })),
  ]).flat()
  expect((await writer.send(zone.request('POST', '/bulk', { items }))).status, 200)
  await pause(500)
  const spread = await blocking(zone, writer, 's-7', s => `s-${s % followed}`, readersEach)
  const together = await blocking(zone, writer, 's-3', () => 's-3', followed * readersEach)
  writer.close()
  return [
    ...figuresOf('1,000 blocking reads on 20 services, one change', spread, 15, {
      first: '3.3 ms',
      median: '10.8-23.6 ms',
      last: '18.3-39.7 ms',
      cpu: '26 ms',
    }),
    ...figuresOf('1,000 blocking reads on one service, one change', together, 150, {
      first: '5.3 ms',
      median: '505 ms',
      last: '1,075 ms',
      cpu: '1,432 ms',
    }),
  ]
}

interface Delivery {
  readonly answered: number[]
  readonly first: number[]
  readonly median: number[]
  readonly last: number[]
  readonly cpu: number
  /** Answers that told nothing new. */
  readonly idle: number
}

async function blocking(
  zone: BenchZone,
  writer: RawConnection,
  changed: string,
  serviceOf: (reader: number) => string,
  concerned: number,
): Promise<Delivery> {
  const readers = await Promise.all(Array.from({ length: followed * readersEach }, () => zone.open()))
  const delivery: Delivery = { answered: [], first: [], median: [], last: [], cpu: 0, idle: 0 }
  let arrived: number[] = []
  let all = Promise.withResolvers<void>()
  let isOver = false
  let isMeasured = false
  let idle = 0
  const path = (reader: number) => `${mesh}/meshservices/${serviceOf(reader)}/_endpoints`
  const following = readers.map(async (connection, reader) => {
    let index = indexOf((await connection.send(zone.request('GET', path(reader)))).head)
    while (!isOver) {
      const answer = await connection.send(zone.request('GET', `${path(reader)}?index=${index}&wait=10m`)).catch(() => null)
      if (!answer || isOver) return
      if (indexOf(answer.head) === index || serviceOf(reader) !== changed) idle++
      index = indexOf(answer.head)
      arrived.push(answer.at)
      if (arrived.length === concerned) all.resolve()
    }
  })
  await pause(1500)
  let cpu = 0
  const changes = 30
  for (let change = -5; change < changes; change++) {
    if (change === 0) {
      cpu = await zone.cpuMs()
      isMeasured = true
    }
    arrived = []
    all = Promise.withResolvers()
    const name = `n-${changed}-${change}`
    const request = zone.request('PUT', `${mesh}/dataplanes/${name}`, instance(name, changed, change + 100))
    const sent = performance.now()
    const answer = await writer.send(request)
    expect(answer.status, 201)
    await all.promise
    if (isMeasured) {
      delivery.answered.push(answer.at - sent)
      delivery.first.push(Math.min(...arrived) - sent)
      delivery.median.push(percentile(arrived, 0.5) - sent)
      delivery.last.push(Math.max(...arrived) - sent)
    }
    await pause(60)
  }
  const used = ((await zone.cpuMs()) - cpu) / changes
  isOver = true
  for (const connection of readers) connection.close()
  await Promise.all(following)
  return { ...delivery, cpu: used, idle }
}

function figuresOf(
  what: string,
  { answered, first, median, last, cpu, idle }: Delivery,
  goal: number,
  consul: Readonly<Record<string, string>>,
): Figure[] {
  return [
    { name: `${what} → writer answered`, value: percentile(answered, 0.5), unit: 'ms', others: { Consul: '2.3 ms' } },
    { name: `${what} → first reader`, value: percentile(first, 0.5), unit: 'ms', others: { Consul: consul.first! } },
    { name: `${what} → median reader`, value: percentile(median, 0.5), unit: 'ms', others: { Consul: consul.median! } },
    { name: `${what} → last reader`, value: percentile(last, 0.5), unit: 'ms', goal, others: { Consul: consul.last! } },
    { name: `${what} → last reader, worst of 30`, value: Math.max(...last), unit: 'ms' },
    { name: `${what}: CPU`, value: cpu, unit: 'ms', others: { Consul: consul.cpu! } },
    { name: `${what}: answers that told nothing new`, value: idle, unit: 'answers', goal: 0 },
  ]
}

/** 100 server-sent-event readers of one kind; one change → the last has it. */
async function events(): Promise<Figure[]> {
  await using zone = await startZone()
  const writer = await zone.open()
  const { connect } = await import('node:net')
  let arrived: number[] = []
  let all = Promise.withResolvers<void>()
  const count = 100
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(zone.port, zone.host)
    socket.write(zone.request('GET', '/watch?kind=dataplanes&mesh=default'))
    socket.on('data', chunk => {
      if (!chunk.includes('event: change')) return
      arrived.push(performance.now())
      if (arrived.length === count) all.resolve()
    })
    return socket
  })
  await pause(1000)
  const lasts: number[] = []
  for (let n = 0; n < 40; n++) {
    arrived = []
    all = Promise.withResolvers()
    const sent = performance.now()
    await writer.send(zone.request('PUT', `${mesh}/dataplanes/e-${n}`, instance(`e-${n}`, 's-1', n)))
    await all.promise
    if (n >= 10) lasts.push(Math.max(...arrived) - sent)
    await pause(30)
  }
  for (const socket of sockets) socket.destroy()
  writer.close()
  return [
    { name: '100 event streams, one change → last: p50', value: percentile(lasts, 0.5), unit: 'ms', goal: 20 },
    { name: '100 event streams, one change → last: worst of 30', value: Math.max(...lasts), unit: 'ms' },
  ]
}

function registrations(zone: BenchZone, count: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, n) => zone.request('PUT', `${mesh}/dataplanes/i-${n}`, instance(`i-${n}`, `s-${n % 200}`, n)))
}

async function warmUp(zone: BenchZone, connections: readonly RawConnection[]): Promise<void> {
  await Promise.all(
    connections.map(async (connection, c) => {
      for (let n = 0; n < Math.ceil(3000 / connections.length); n++) {
        const name = n === 0 ? `warm-${c}` : `warm-${c}-${n}`
        await connection.send(zone.request('PUT', `${mesh}/dataplanes/${name}`, instance(name, `s-${n % 200}`, n)))
      }
    }),
  )
}

async function atRate(perSecond: number, seconds: number, send: (n: number) => Promise<void>): Promise<void> {
  const under: Promise<void>[] = []
  const begin = performance.now()
  for (let n = 0; n < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - begin) / 1000) * perSecond))
    while (n < due) under.push(send(n++))
    await pause(1)
  }
  await Promise.all(under)
}

/** What one flush costs here, with as little to write as there can be. */
function flushMs(directory: string): number {
  const file = openSync(join(directory, 'flush'), 'w')
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, 'x'.repeat(4096))
    const begin = performance.now()
    fdatasyncSync(file)
    return performance.now() - begin
  })
  closeSync(file)
  return percentile(times, 0.5)
}

function indexOf(head: string): number {
  return Number(/^x-skerry-index: (\d+)/im.exec(head)?.[1])
}

function expect(status: number, wanted: number): void {
  if (status !== wanted) throw new Error(`the API answered ${status}, not ${wanted}`)
}
