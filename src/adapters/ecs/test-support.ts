import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { type Clock, systemClock } from '../../std/clock.ts'
import { silentLog } from '../../std/log.ts'
import { seededRandom } from '../../std/random.ts'
import type { Change, OpenAdapter, Scope } from '../adapter.ts'
import { aSource, identityReply, operationOf, testAccount, testRegion, withKeys } from '../aws/test-support.ts'
import { type Reply, ScriptedPlatform, type ScriptedRequest } from '../scripted-platform.ts'
import { ecs } from './list.ts'
import type { RawTask } from './task.ts'

export const prefix = `arn:aws:ecs:${testRegion}:${testAccount}:`
export const cluster = `${prefix}cluster/prod`
export const queueUrl = `https://sqs.${testRegion}.amazonaws.com/${testAccount}/events`

export function arnOf(name: string): string {
  return `${prefix}task/prod/${name}`
}

/** ECS, SQS, EC2, Systems Manager and STS with what a test says, over HTTP. */
export class Cloud {
  readonly tasks = new Map<string, RawTask>()
  readonly calls = new Map<string, number>()
  messages: { ReceiptHandle: string; Body: string }[] = []
  networkMode = 'awsvpc'
  healthCheck: object | undefined
  /** Its hosts are outside of AWS: those of these ids have addresses. */
  isAnywhere = false
  managed: Record<string, string> = {}
  refuse = ''
  source!: OpenAdapter
  #messages = 0

  static async start(t: TestContext, spec: Partial<DiscoverySourceSpec> = {}, clock: Clock = systemClock): Promise<Cloud> {
    const cloud = new Cloud()
    const platform = new ScriptedPlatform({ respond: request => cloud.#respond(request) })
    const deps = {
      secret: async () => Buffer.from(''),
      budget: { take: async () => {}, throttled: () => {} },
      clock,
      random: seededRandom(1),
      log: silentLog,
    }
    cloud.source = await ecs.open(aSource(await platform.start(), { type: 'ECS', ...spec }), withKeys(deps))
    t.after(async () => {
      await cloud.source[Symbol.asyncDispose]()
      await platform[Symbol.asyncDispose]()
    })
    return cloud
  }

  run(...names: readonly string[]): void {
    for (const name of names)
      this.tasks.set(arnOf(name), {
        taskArn: arnOf(name),
        taskDefinitionArn: `${prefix}task-definition/web:7`,
        group: 'service:web',
        lastStatus: 'RUNNING',
        desiredStatus: 'RUNNING',
        version: 1,
        attachments: [{ type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value: '10.0.0.7' }] }],
      })
  }

  change(name: string, change: Partial<RawTask>): void {
    this.tasks.set(arnOf(name), { ...this.tasks.get(arnOf(name))!, ...change })
  }

  event(name: string, change: Partial<RawTask>): void {
    const detail = { ...this.tasks.get(arnOf(name)), clusterArn: cluster, ...change }
    this.send({ source: 'aws.ecs', 'detail-type': 'ECS Task State Change', detail })
  }

  send(body: object): void {
    this.messages.push({ ReceiptHandle: String(this.#messages++), Body: JSON.stringify(body) })
  }

  async list() {
    return await this.source.list(await this.#scope(), AbortSignal.timeout(30_000))
  }

  /** Resolves when it has begun, to what it tells from then on. */
  async follow(t: TestContext): Promise<readonly Change[]> {
    const changes: Change[] = []
    const stop = new AbortController()
    const ended = this.source.follow!(await this.#scope(), undefined, its => changes.push(...its), stop.signal)
    t.after(async () => {
      stop.abort()
      await ended
    })
    return changes
  }

  async #scope(): Promise<Scope> {
    return (await this.source.scopes(AbortSignal.timeout(10_000))).scopes[0]!
  }

  #respond(request: ScriptedRequest): Reply {
    const identity = identityReply(request)
    if (identity !== undefined) return identity
    const operation = request.body.includes('Action=DescribeInstances') ? 'DescribeInstances' : operationOf(request)
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1)
    if (operation === this.refuse) return { status: 400, body: { __type: 'AccessDeniedException', message: 'no' } }
    if (operation === 'DescribeInstances') return instances(request.body)
    if (operation === 'DescribeInstanceInformation') return this.#managedInstances(JSON.parse(request.body))
    return { body: this.#answer(operation, JSON.parse(request.body)) }
  }

  #managedInstances({ Filters, MaxResults }: { Filters: [{ Key: string; Values: string[] }]; MaxResults: number }): Reply {
    const [{ Key, Values }] = Filters
    if (Key !== 'InstanceIds' || Values.length > MaxResults || MaxResults > 50)
      return { status: 400, body: { __type: 'ValidationException', message: `${Key}, ${Values.length}` } }
    if (Values.some(id => !Object.hasOwn(this.managed, id))) return { status: 400, body: { __type: 'InvalidInstanceId', message: '' } }
    return { body: { InstanceInformationList: Values.map(InstanceId => ({ InstanceId, IPAddress: this.managed[InstanceId] })) } }
  }

  #answer(operation: string, asked: Record<string, string[]> & { Entries?: { ReceiptHandle: string }[] }): object {
    switch (operation) {
      case 'ListClusters':
        return { clusterArns: [cluster] }
      case 'DescribeClusters': {
        const isProd = (name: string) => name === 'prod' || name === cluster
        return {
          clusters: asked.clusters!.filter(isProd).map(() => ({ clusterArn: cluster, clusterName: 'prod', status: 'ACTIVE' })),
          failures: asked.clusters!.filter(name => !isProd(name)).map(name => ({ arn: `${prefix}cluster/${name}`, reason: 'MISSING' })),
        }
      }
      case 'ListTasks':
        return {
          taskArns: [...this.tasks.values()].filter(({ desiredStatus }) => desiredStatus === 'RUNNING').map(({ taskArn }) => taskArn),
        }
      case 'DescribeTasks':
        return {
          tasks: asked.tasks!.flatMap(arn => this.tasks.get(arn) ?? []),
          failures: asked.tasks!.filter(arn => !this.tasks.has(arn)).map(arn => ({ arn, reason: 'MISSING' })),
        }
      case 'DescribeServices':
        return { services: asked.services!.map(serviceName => ({ serviceName })), failures: [] }
      case 'DescribeTaskDefinition': {
        const { healthCheck } = this
        const containerDefinitions = [
          { name: 'web', healthCheck, portMappings: [{ containerPort: 8080, name: 'http', appProtocol: 'http' }] },
        ]
        return { taskDefinition: { family: 'web', revision: 7, networkMode: this.networkMode, containerDefinitions } }
      }
      case 'DescribeContainerInstances':
        return {
          containerInstances: asked.containerInstances!.map(containerInstanceArn => {
            const number = containerInstanceArn.slice(-1)
            return {
              containerInstanceArn,
              ec2InstanceId: `${this.isAnywhere ? 'mi' : 'i'}-0${number}`,
              status: 'ACTIVE',
              agentConnected: true,
            }
          }),
          failures: [],
        }
      case 'ReceiveMessage':
        return { Messages: this.messages.map(message => ({ ...message, MD5OfBody: createHash('md5').update(message.Body).digest('hex') })) }
      case 'DeleteMessageBatch': {
        const handles = asked.Entries!.map(({ ReceiptHandle }) => ReceiptHandle)
        this.messages = this.messages.filter(({ ReceiptHandle }) => !handles.includes(ReceiptHandle))
        return { Successful: [], Failed: [] }
      }
      default:
        throw new Error(`${operation} is not foreseen`)
    }
  }
}

/** Those that a filter names: `i-01` has 10.9.0.1. */
function instances(body: string): Reply {
  const ids = [...new URLSearchParams(body)].filter(([name]) => name.startsWith('Filter.1.Value')).map(([, id]) => id)
  const items = ids.map(id => `<item><instanceId>${id}</instanceId><privateIpAddress>10.9.0.${id.slice(-1)}</privateIpAddress></item>`)
  const set = `<reservationSet><item><instancesSet>${items.join('')}</instancesSet></item></reservationSet>`
  return { headers: { 'content-type': 'text/xml' }, body: `<DescribeInstancesResponse>${set}</DescribeInstancesResponse>` }
}
