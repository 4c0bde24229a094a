import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A cluster in which every task has an interface of its own, and the tags that a well-kept account has. */
export interface ClusterSize {
  readonly tasks: number
  readonly services: number
}

interface TaskState {
  readonly lastStatus: string
  readonly desiredStatus: string
  readonly version: number
}

const running: TaskState = { lastStatus: 'RUNNING', desiredStatus: 'RUNNING', version: 5 }
/** What a task goes through when it begins, as far as events tell it, and when it ends. */
const beginning: readonly TaskState[] = [
  { lastStatus: 'PROVISIONING', desiredStatus: 'RUNNING', version: 1 },
  { lastStatus: 'PENDING', desiredStatus: 'RUNNING', version: 2 },
  { lastStatus: 'RUNNING', desiredStatus: 'RUNNING', version: 3 },
]
const ending: readonly TaskState[] = [
  { lastStatus: 'RUNNING', desiredStatus: 'STOPPED', version: 6 },
  { lastStatus: 'DEPROVISIONING', desiredStatus: 'STOPPED', version: 7 },
  { lastStatus: 'STOPPED', desiredStatus: 'STOPPED', version: 8 },
]

const account = '123456789012'
const prefix = `arn:aws:ecs:eu-central-1:${account}:`
const cluster = `${prefix}cluster/prod`

/** A platform that answers as ECS, STS and SQS do, in a process of its own. */
export class EcsPlatform implements AsyncDisposable {
  readonly port: number
  readonly #process: ChildProcess

  static async start(size: ClusterSize): Promise<EcsPlatform> {
    const child = fork(import.meta.filename, [JSON.stringify(size)])
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    return new EcsPlatform(port, child)
  }

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#process = child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.disconnect()
    await once(this.#process, 'exit')
  }
}

/** URL of its queue of events. */
export function queueOf(endpoint: string): string {
  return `${endpoint}/${account}/events`
}

class Platform {
  readonly #services: number
  readonly #calls = new Map<string, number>()
  readonly #states = new Map<number, TaskState>()
  readonly #events: string[] = []
  #listed: number[]
  #next: number

  constructor({ tasks, services }: ClusterSize) {
    this.#services = services
    this.#listed = Array.from({ length: tasks }, (_, index) => index)
    this.#next = tasks
  }

  listen(): Promise<number> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        if (request.url === '/calls') return response.end(JSON.stringify(Object.fromEntries(this.#calls)))
        if (request.url === '/reset') {
          this.#calls.clear()
          return response.end()
        }
        if (request.url?.startsWith('/replace/')) {
          this.#replace(Number(request.url.slice('/replace/'.length)))
          return response.end()
        }
        const target = String(request.headers['x-amz-target'] ?? 'GetCallerIdentity')
        const operation = target.split('.').pop()!
        this.#calls.set(operation, (this.#calls.get(operation) ?? 0) + 1)
        const answer = () => response.end(this.#answer(operation, Buffer.concat(chunks).toString('utf8')))
        // A queue with nothing in it keeps who asks for a while.
        if (operation === 'ReceiveMessage' && this.#events.length === 0) setTimeout(answer, 100)
        else answer()
      })
    })
    return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
  }

  /** A rolling restart: for each of so many tasks another one begins, and then it ends. */
  #replace(count: number): void {
    const old = this.#listed.slice(0, count)
    const young = old.map(() => this.#next++)
    old.forEach((index, at) => {
      for (const state of beginning) this.#tell(young[at]!, state)
      for (const state of ending) this.#tell(index, state)
    })
    this.#listed = [...this.#listed.slice(count), ...young]
  }

  #tell(index: number, state: TaskState): void {
    this.#states.set(index, state)
    const { tags: _, ...detail } = aTask(index, this.#services, state)
    this.#events.push(JSON.stringify({ source: 'aws.ecs', 'detail-type': 'ECS Task State Change', detail }))
  }

  #task(arn: string) {
    const index = Number(arn.slice(-8))
    return aTask(index, this.#services, this.#states.get(index) ?? running)
  }

  #answer(operation: string, body: string): string {
    if (operation === 'GetCallerIdentity')
      return `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
    const asked = JSON.parse(body)
    switch (operation) {
      case 'ListClusters':
        return JSON.stringify({ clusterArns: [cluster] })
      case 'DescribeClusters':
        return JSON.stringify({
          clusters: [{ clusterArn: cluster, clusterName: 'prod', status: 'ACTIVE', runningTasksCount: this.#listed.length }],
          failures: [],
        })
      case 'ListTasks': {
        const at = Number(asked.nextToken ?? 0)
        const taskArns = this.#listed.slice(at, at + 100).map(taskArn)
        return JSON.stringify({ taskArns, ...(at + 100 < this.#listed.length ? { nextToken: String(at + 100) } : {}) })
      }
      case 'DescribeTasks':
        return JSON.stringify({ tasks: asked.tasks.map((arn: string) => this.#task(arn)), failures: [] })
      case 'DescribeServices':
        return JSON.stringify({
          services: asked.services.map((serviceName: string) => ({ serviceName, tags: tagsOf(serviceName) })),
          failures: [],
        })
      case 'DescribeTaskDefinition':
        return JSON.stringify({ taskDefinition: aDefinition(asked.taskDefinition) })
      case 'ReceiveMessage':
        return JSON.stringify({ Messages: this.#events.splice(0, asked.MaxNumberOfMessages).map(message) })
      case 'DeleteMessageBatch':
        return JSON.stringify({ Successful: asked.Entries.map(({ Id }: { Id: string }) => ({ Id })), Failed: [] })
      default:
        throw new Error(`${operation} is not foreseen`)
    }
  }
}

function message(Body: string, index: number) {
  const MD5OfBody = createHash('md5').update(Body).digest('hex')
  return { MessageId: String(index), ReceiptHandle: String(index), MD5OfBody, Body, Attributes: { ApproximateReceiveCount: '1' } }
}

function taskArn(index: number): string {
  return `${prefix}task/prod/4f1c9e0a7b3d4c5e8f901234${String(index).padStart(8, '0')}`
}

/** As long as those of AWS. */
function aTask(index: number, services: number, state: TaskState) {
  const service = `service-${index % services}`
  // Not where the pods of the other bench are.
  const address = `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  const at = 1_790_848_800.123
  return {
    taskArn: taskArn(index),
    clusterArn: cluster,
    taskDefinitionArn: `${prefix}task-definition/${service}:7`,
    group: `service:${service}`,
    startedBy: `ecs-svc/${1_000_000_000_000 + (index % services)}`,
    lastStatus: state.lastStatus,
    desiredStatus: state.desiredStatus,
    healthStatus: 'HEALTHY',
    launchType: 'FARGATE',
    platformVersion: '1.4.0',
    platformFamily: 'Linux',
    availabilityZone: `eu-central-1${'abc'[index % 3]}`,
    connectivity: 'CONNECTED',
    version: state.version,
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
  process.once('disconnect', () => process.exit(0))
  process.send!({ port: await new Platform(JSON.parse(process.argv[2]!)).listen() })
}
