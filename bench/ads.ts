import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '../src/gen/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../src/gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { GrpcServer, serveStreams } from '../src/std/grpc-server.ts'
import { testCertificate } from '../src/std/test-certificate.ts'
import { TlsFront } from '../src/std/tls-front.ts'
import { DELTA_ADS_PATH, serveDiscovery } from '../src/xds/ads-server.ts'
import { type EncodedResource, encodeResource } from '../src/xds/resource.ts'
import { CDS, EDS, envoyTypes } from '../src/xds/resource-types.ts'
import { Snapshot } from '../src/xds/snapshot.ts'
import type { SidecarsConfig, SidecarsReport } from './ads-sidecars-support.ts'
import type { Figure } from './figure.ts'

export const about = 'delta ADS over TLS: one endpoint changes, 200 sidecars of which 20 call it'

const sidecars = 200
const services = 100
const outboundsEach = 10
const changes = 60
const warmUp = 40
/** Signs of life come every 10 and 20 s. */
const restMs = 20_000

export async function run(): Promise<readonly Figure[]> {
  const { rootCaPem, server: certificate } = await testCertificate('bench')
  const mesh = aMesh()
  const grpc = new GrpcServer()
  serveStreams(grpc, DELTA_ADS_PATH, stream => {
    void serveDiscovery(stream, {
      variant: 'delta',
      types: envoyTypes,
      admit: ({ node }) => ({ kind: 'open', session: { snapshot: mesh.snapshots[Number(node.id.split('-')[1])]! } }),
    })
  })
  await using front = await TlsFront.start({ address: { host: '127.0.0.1', port: 0 }, flag: '-', certificate, grpc, http: () => {} })

  const cpuAtStart = process.cpuUsage()
  const start = performance.now()
  const config: SidecarsConfig = { address: `127.0.0.1:${front.address.port}`, rootCaPem, outbounds: mesh.outbounds }
  const child = fork(join(import.meta.dirname, 'ads-sidecars-support.ts'), [JSON.stringify(config)])
  await report(child, 'configured')
  const configuredMs = performance.now() - start
  const configuringCpuMs = cpuMs(cpuAtStart)

  const rounds: { firstMs: number; lastMs: number; cpuMs: number }[] = []
  for (let i = 0; i < warmUp + changes; i++) {
    const service = i % services
    child.send({ expect: mesh.subscribers[service]!.length })
    await pause(30)
    const arrival = report(child, 'arrived')
    const cpu = process.cpuUsage()
    const before = process.hrtime.bigint()
    const resource = endpoints(service, 4 + i)
    for (const subscriber of mesh.subscribers[service]!) mesh.snapshots[subscriber]!.set(EDS, resource)
    const { times } = await arrival
    await pause(20)
    const after = times.map(time => Number(BigInt(time) - before) / 1e6).sort((a, b) => a - b)
    if (i >= warmUp) rounds.push({ firstMs: after[0]!, lastMs: after.at(-1)!, cpuMs: cpuMs(cpu) })
  }

  await pause(500)
  const cpuAtRest = process.cpuUsage()
  await pause(restMs)
  const coresAtRest = cpuMs(cpuAtRest) / restMs
  child.disconnect()
  await once(child, 'exit')

  const middle = (key: 'firstMs' | 'lastMs' | 'cpuMs') => rounds.map(round => round[key]).sort((a, b) => a - b)[Math.floor(changes / 2)]!
  return [
    {
      name: 'one endpoint changed → last of 20 sidecars has it, median',
      value: middle('lastMs'),
      unit: 'ms',
      goal: 10,
      others: { 'Kuma 3': '1,900 ms', Consul: '245 ms', 'Istio (debounce 10 ms)': '16.1 ms', 'Istio (stock)': '109 ms' },
    },
    { name: '… first of 20, median', value: middle('firstMs'), unit: 'ms', others: { 'Istio (debounce 10 ms)': '14.8 ms' } },
    { name: '… last of 20, worst of 60 changes', value: Math.max(...rounds.map(round => round.lastMs)), unit: 'ms' },
    {
      name: '… processor time of the server',
      value: middle('cpuMs'),
      unit: 'ms',
      others: { 'Istio (debounce 10 ms)': '9 ms', Consul: '89 ms' },
    },
    {
      name: '200 sidecars started → all configured',
      value: configuredMs,
      unit: 'ms',
      others: { 'Kuma 3': '11 s', Consul: '2.1 s', 'Istio (no request limit)': '0.87 s' },
    },
    {
      name: '… processor time of the server',
      value: configuringCpuMs,
      unit: 'ms',
      others: { 'Kuma 3': '22 s', 'Istio (no request limit)': '0.56 s' },
    },
    { name: 'memory of the server', value: process.memoryUsage().rss / 1e6, unit: 'MB', others: { 'Kuma 3': '215 MB', Istio: '136 MB' } },
    { name: 'at rest, with 200 sidecars', value: coresAtRest, unit: 'cores', goal: 0.005, others: { 'Kuma 3': '0.105', Consul: '0.013' } },
  ]
}

/** Sidecar i calls the services i·10 … i·10+9, so each service has 20 callers. */
function aMesh() {
  const clusters = Array.from({ length: services }, (_, i) => cluster(i))
  const assignments = Array.from({ length: services }, (_, i) => endpoints(i, 3))
  const subscribers: number[][] = Array.from({ length: services }, () => [])
  const snapshots: Snapshot[] = []
  const outbounds: string[][] = []
  for (let i = 0; i < sidecars; i++) {
    const snapshot = new Snapshot()
    const called = Array.from({ length: outboundsEach }, (_, k) => (i * outboundsEach + k) % services)
    for (const service of called) {
      snapshot.set(CDS, clusters[service]!)
      snapshot.set(EDS, assignments[service]!)
      subscribers[service]!.push(i)
    }
    snapshots.push(snapshot)
    outbounds.push(called.map(service => `service-${service}`))
  }
  return { snapshots, subscribers, outbounds }
}

function cluster(service: number): EncodedResource {
  const name = `service-${service}`
  return encodeResource(CDS, name, toBinary(ClusterSchema, create(ClusterSchema, { name })))
}

function endpoints(service: number, count: number): EncodedResource {
  const clusterName = `service-${service}`
  const lbEndpoints = Array.from({ length: count }, (_, i) => ({
    healthStatus: 1,
    hostIdentifier: {
      case: 'endpoint' as const,
      value: {
        address: {
          address: {
            case: 'socketAddress' as const,
            value: { address: `10.0.${service}.${i}`, portSpecifier: { case: 'portValue' as const, value: 8080 } },
          },
        },
      },
    },
  }))
  const assignment = create(ClusterLoadAssignmentSchema, { clusterName, endpoints: [{ locality: { zone: 'aws-1' }, lbEndpoints }] })
  return encodeResource(EDS, clusterName, toBinary(ClusterLoadAssignmentSchema, assignment))
}

function report<K extends SidecarsReport['kind']>(child: ReturnType<typeof fork>, kind: K): Promise<Extract<SidecarsReport, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('the sidecars died'))
    const onMessage = (message: SidecarsReport) => {
      if (message.kind !== kind) return
      child.off('exit', onExit)
      child.off('message', onMessage)
      resolve(message as Extract<SidecarsReport, { kind: K }>)
    }
    child.on('message', onMessage)
    child.once('exit', onExit)
  })
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
