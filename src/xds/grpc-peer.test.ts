import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js'
import { Cluster_DiscoveryType, ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.js'
import { RouterSchema } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { GrpcServer, serveStreams } from '../std/grpc-server.ts'
import { SOTW_ADS_PATH, serveDiscovery } from './ads-server.ts'
import { encodeResource } from './resource.ts'
import { CDS, EDS, envoyTypes, LDS, RDS } from './resource-types.ts'
import { Snapshot } from './snapshot.ts'

const ads = { configSourceSpecifier: { case: 'ads' as const, value: {} } }

test("gRPC's own client is led from one endpoint to another, and from one cluster to another, without a failed call", async () => {
  const snapshot = new Snapshot()
  const refused: string[] = []
  const [a, b] = [await anEcho('A'), await anEcho('B')]
  setListener(snapshot, 'echo.mesh', 'routes')
  setCluster(snapshot, 'first', a)
  setRoute(snapshot, 'routes', 'first')
  const peer = aPeer('echo.mesh', await anAdsServer(snapshot, refused))

  await peer.answers('A')
  setEndpoint(snapshot, 'first', b)
  await peer.answers('B')
  setCluster(snapshot, 'second', a)
  setRoute(snapshot, 'routes', 'second')
  snapshot.remove(CDS, 'first')
  snapshot.remove(EDS, 'first')
  await peer.answers('A')

  assert.deepEqual(refused, [])
  assert.deepEqual(
    peer.all.filter(answer => answer !== 'A' && answer !== 'B'),
    [],
  )
})

async function anAdsServer(snapshot: Snapshot, refused: string[]): Promise<number> {
  const grpc = new GrpcServer()
  serveStreams(grpc, SOTW_ADS_PATH, stream => {
    void serveDiscovery(stream, {
      variant: 'sotw',
      types: envoyTypes,
      admit: () => ({ kind: 'open', session: { snapshot, onRefused: ({ error }) => refused.push(error) } }),
    })
  })
  // This client cannot do TLS to its control plane.
  const server = createServer(socket => grpc.inject(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.close()
    grpc.close()
  })
  return (server.address() as AddressInfo).port
}

function anEcho(answer: string): Promise<number> {
  const server = new Server()
  const identity = (bytes: Buffer) => bytes
  server.register(
    '/test.Echo/Echo',
    (_call: unknown, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from(answer)),
    identity,
    identity,
    'unary',
  )
  after(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)))
  })
}

function aPeer(target: string, adsPort: number) {
  const bootstrap = {
    xds_servers: [{ server_uri: `127.0.0.1:${adsPort}`, channel_creds: [{ type: 'insecure' }] }],
    node: { id: 'default.web', locality: {} },
  }
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'test-grpc-peer.ts'), `xds:///${target}`], {
    env: { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  const all: string[] = []
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', line => all.push(line))
  const answers = async (wanted: string) => {
    while (all.at(-1) !== wanted) await once(lines, 'line', { signal: AbortSignal.timeout(10_000) })
  }
  return { all, answers }
}

function setListener(snapshot: Snapshot, name: string, routeConfigName: string): void {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: 'rds', value: { routeConfigName, configSource: ads } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: anyPack(RouterSchema, create(RouterSchema)) } }],
  })
  const listener = create(ListenerSchema, { name, apiListener: { apiListener: anyPack(HttpConnectionManagerSchema, manager) } })
  snapshot.set(LDS, encodeResource(LDS, name, toBinary(ListenerSchema, listener)))
}

function setRoute(snapshot: Snapshot, name: string, cluster: string): void {
  const routes = [
    {
      match: { pathSpecifier: { case: 'prefix' as const, value: '' } },
      action: { case: 'route' as const, value: { clusterSpecifier: { case: 'cluster' as const, value: cluster } } },
    },
  ]
  const table = create(RouteConfigurationSchema, { name, virtualHosts: [{ name, domains: ['*'], routes }] })
  snapshot.set(RDS, encodeResource(RDS, name, toBinary(RouteConfigurationSchema, table)))
}

function setCluster(snapshot: Snapshot, name: string, port: number): void {
  const cluster = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
  })
  snapshot.set(CDS, encodeResource(CDS, name, toBinary(ClusterSchema, cluster)))
  setEndpoint(snapshot, name, port)
}

function setEndpoint(snapshot: Snapshot, clusterName: string, port: number): void {
  const address = {
    address: {
      case: 'socketAddress' as const,
      value: { address: '127.0.0.1', portSpecifier: { case: 'portValue' as const, value: port } },
    },
  }
  const assignment = create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [
      {
        locality: { region: 'local', zone: 'aws-1' },
        loadBalancingWeight: 1,
        lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }],
      },
    ],
  })
  snapshot.set(EDS, encodeResource(EDS, clusterName, toBinary(ClusterLoadAssignmentSchema, assignment)))
}
