import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AdapterDeps, OpenAdapter, Scope } from '../src/adapters/adapter.ts'
import { ecs } from '../src/adapters/ecs/list.ts'
import type { DiscoverySourceSpec } from '../src/model/kinds/discovery-source.ts'
import { systemClock } from '../src/std/clock.ts'
import { silentLog } from '../src/std/log.ts'
import { systemRandom } from '../src/std/random.ts'

/** A cluster in which every task has an interface of its own, and the tags that a well-kept account has. */
export interface ClusterSize {
  readonly tasks: number
  readonly services: number
}

export interface EcsReport {
  /** Of a listing when all definitions are known. */
  readonly calls: Readonly<Record<string, number>>
  readonly listMs: number
  readonly longestStallMs: number
  /** Of the processor, in one turn of the event loop: the stall on a machine with nothing else to do. */
  readonly longestTurnMs: number
  /** Kept by the adapter between listings. */
  readonly bytesPerTask: number
  readonly workloads: number
}

const account = '123456789012'
const prefix = `arn:aws:ecs:eu-central-1:${account}:`
const cluster = `${prefix}cluster/prod`

/** In a process that does nothing else, against a platform in another. */
export async function measureEcs(size: ClusterSize): Promise<EcsReport> {
  const platform = fork(import.meta.filename, ['serve', JSON.stringify(size)])
  const [{ port }] = (await once(platform, 'message')) as [{ port: number }]
  const measuring = fork(import.meta.filename, ['measure', String(port), JSON.stringify(size)], { execArgv: ['--expose-gc'] })
  try {
    const [report] = (await once(measuring, 'message')) as [EcsReport]
    return report
  } finally {
    measuring.disconnect()
    platform.disconnect()
    await Promise.all([once(measuring, 'exit'), once(platform, 'exit')])
  }
}

async function measure(port: number, { tasks }: ClusterSize): Promise<EcsReport> {
  const deps: AdapterDeps = {
    secret: async () => Buffer.from(JSON.stringify({ accessKeyId: 'test', secretAccessKey: 'test' })),
    // What the budget spreads over half a minute comes at once: nothing stalls longer than that.
    budget: { take: async () => {}, throttled: () => {} },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  }
  const spec: DiscoverySourceSpec = {
    type: 'ECS',
    aws: { regions: ['eu-central-1'], endpoint: `http://127.0.0.1:${port}` },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'KEYS' } } },
    mapping: { copyLabels: ['team', 'environment'] },
  }
  let source: OpenAdapter | null = await ecs.open({ mesh: 'default', name: 'bench', spec }, deps)
  const signal = new AbortController().signal
  const [scope] = (await source.scopes(signal)).scopes as [Scope]
  await source.list(scope, signal)
  await fetch(`http://127.0.0.1:${port}/reset`)
  const stall = monitorEventLoopDelay({ resolution: 1 })
  stall.enable()
  const turns = watchTurns()
  const startedAt = performance.now()
  const workloads = (await source.list(scope, signal)).items.filter(({ outcome }) => outcome.kind === 'workload').length
  const listMs = performance.now() - startedAt
  // The delay of the last turn is seen in the one after it.
  await new Promise(resolve => setTimeout(resolve, 20))
  stall.disable()
  const longestTurnMs = turns.end()
  const calls = (await (await fetch(`http://127.0.0.1:${port}/calls`)).json()) as Record<string, number>
  const full = heap()
  await source[Symbol.asyncDispose]()
  source = null
  const bytesPerTask = (full - heap()) / tasks
  return { calls, listMs, longestStallMs: stall.max / 1e6, longestTurnMs, bytesPerTask, workloads }
}

function watchTurns(): { end(): number } {
  let longest = 0
  let before = process.threadCpuUsage()
  const look = () => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.threadCpuUsage()
    next = setImmediate(look)
  }
  let next = setImmediate(look)
  return {
    end() {
      clearImmediate(next)
      return longest
    },
  }
}

function heap(): number {
  const collect = (globalThis as { gc?: () => void }).gc!
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

function serve({ tasks, services }: ClusterSize): Promise<number> {
  const calls = new Map<string, number>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      if (request.url === '/calls') return response.end(JSON.stringify(Object.fromEntries(calls)))
      if (request.url === '/reset') {
        calls.clear()
        return response.end()
      }
      const operation = String(request.headers['x-amz-target'] ?? 'GetCallerIdentity')
        .split('.')
        .pop()!
      calls.set(operation, (calls.get(operation) ?? 0) + 1)
      response.end(answer(operation, Buffer.concat(chunks).toString('utf8')))
    })
  })
  const answer = (operation: string, body: string): string => {
    if (operation === 'GetCallerIdentity')
      return `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
    const asked = JSON.parse(body)
    switch (operation) {
      case 'ListClusters':
        return JSON.stringify({ clusterArns: [cluster] })
      case 'DescribeClusters':
        return JSON.stringify({
          clusters: [{ clusterArn: cluster, clusterName: 'prod', status: 'ACTIVE', runningTasksCount: tasks }],
          failures: [],
        })
      case 'ListTasks': {
        const at = Number(asked.nextToken ?? 0)
        const taskArns = Array.from({ length: Math.min(100, tasks - at) }, (_, index) => taskArn(at + index))
        return JSON.stringify({ taskArns, ...(at + 100 < tasks ? { nextToken: String(at + 100) } : {}) })
      }
      case 'DescribeTasks':
        return JSON.stringify({ tasks: asked.tasks.map((arn: string) => aTask(Number(arn.slice(-8)), services)), failures: [] })
      case 'DescribeServices':
        return JSON.stringify({
          services: asked.services.map((serviceName: string) => ({ serviceName, tags: tagsOf(serviceName) })),
          failures: [],
        })
      case 'DescribeTaskDefinition':
        return JSON.stringify({ taskDefinition: aDefinition(asked.taskDefinition) })
      default:
        throw new Error(`${operation} is not foreseen`)
    }
  }
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

function taskArn(index: number): string {
  return `${prefix}task/prod/4f1c9e0a7b3d4c5e8f901234${String(index).padStart(8, '0')}`
}

/** As long as those of AWS. */
function aTask(index: number, services: number) {
  const service = `service-${index % services}`
  const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
  const at = 1_790_848_800.123
  return {
    taskArn: taskArn(index),
    clusterArn: cluster,
    taskDefinitionArn: `${prefix}task-definition/${service}:7`,
    group: `service:${service}`,
    startedBy: `ecs-svc/${1_000_000_000_000 + (index % services)}`,
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    healthStatus: 'HEALTHY',
    launchType: 'FARGATE',
    platformVersion: '1.4.0',
    platformFamily: 'Linux',
    availabilityZone: `eu-central-1${'abc'[index % 3]}`,
    connectivity: 'CONNECTED',
    version: 5,
    cpu: '256',
    memory: '512',
    tags: tagsOf(service),
    attachments: [
      {
        id: 'a7b3d4c5-e8f9-0123-4567-89abcdef0123',
        type: 'ElasticNetworkInterface',
        status: 'ATTACHED',
        details: [
          { name: 'subnetId', value: 'subnet-0a1b2c3d4e5f60718' },
          { name: 'networkInterfaceId', value: 'eni-0a1b2c3d4e5f60718' },
          { name: 'macAddress', value: '02:00:00:c9:a6:e5' },
          { name: 'privateDnsName', value: `ip-${address.replaceAll('.', '-')}.eu-central-1.compute.internal` },
          { name: 'privateIPv4Address', value: address },
        ],
      },
    ],
    containers: ['app', 'log-router'].map(name => ({
      containerArn: `${prefix}container/prod/x/${name}`,
      taskArn: taskArn(index),
      name,
      image: `${account}.dkr.ecr.eu-central-1.amazonaws.com/${service}:1.2.3`,
      imageDigest: `sha256:${'0'.repeat(64)}`,
      runtimeId: 'x-265927825',
      lastStatus: 'RUNNING',
      healthStatus: 'HEALTHY',
      networkInterfaces: [{ attachmentId: 'a7b3d4c5', privateIpv4Address: address }],
      cpu: '0',
      memoryReservation: '256',
    })),
    overrides: { containerOverrides: [{ name: 'app' }, { name: 'log-router' }] },
    ephemeralStorage: { sizeInGiB: 20 },
    createdAt: at,
    startedAt: at,
    connectivityAt: at,
    pullStartedAt: at,
    pullStoppedAt: at,
  }
}

function tagsOf(service: string) {
  const tags = { team: `team-${service.length}`, environment: 'production', 'cost-centre': '4711', service, 'aws:ecs:clusterName': 'prod' }
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}

function aDefinition(arn: string) {
  const portMappings = [
    { containerPort: 8080, hostPort: 8080, protocol: 'tcp', name: 'http', appProtocol: 'http' },
    { containerPort: 9090, hostPort: 9090, protocol: 'tcp', name: 'admin', appProtocol: 'http' },
  ]
  const family = arn.slice(arn.lastIndexOf('/') + 1).split(':')[0]
  const healthCheck = { command: ['CMD', 'true'] }
  return {
    taskDefinitionArn: arn,
    family,
    revision: 7,
    networkMode: 'awsvpc',
    containerDefinitions: [{ name: 'app', essential: true, portMappings, healthCheck }, { name: 'log-router' }],
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , role, ...rest] = process.argv
  if (role === 'serve') process.send!({ port: await serve(JSON.parse(rest[0]!)) })
  if (role === 'measure') process.send!(await measure(Number(rest[0]), JSON.parse(rest[1]!)))
  process.once('disconnect', () => process.exit(0))
}
