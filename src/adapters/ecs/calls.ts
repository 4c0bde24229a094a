import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2'
import {
  DescribeClustersCommand,
  DescribeContainerInstancesCommand,
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  DescribeTasksCommand,
  ECSClient,
  ListClustersCommand,
  ListTasksCommand,
  type Cluster as RawCluster,
} from '@aws-sdk/client-ecs'
import { DescribeInstanceInformationCommand, type InstanceInformation, SSMClient } from '@aws-sdk/client-ssm'
import { SourceCallError } from '../adapter.ts'
import type { AwsAccess } from '../aws/access.ts'
import { type Failure, requireAnswer } from '../aws/answer.ts'
import { nameInArn } from '../aws/arn.ts'
import type { Bucket, Place } from '../aws/limits.ts'
import { tagsOf } from '../aws/tags.ts'
import { type Drained, drainPages } from '../paging.ts'
import { factsOf, type TaskFacts } from './task.ts'
import { type Definition, definitionOf } from './task-definition.ts'
import type { Host, Service } from './translate.ts'

/** How many a call may name. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html */
export const batch = { clusters: 100, services: 10, tasks: 100, instances: 100, ec2: 100, ssm: 50 } as const

/** What a Describe call said of those it was asked for. */
export interface Described<T> {
  readonly found: readonly T[]
  /** Those that are not there: AWS said MISSING of each. */
  readonly gone: readonly string[]
  /** Why others were not described, in words for people. */
  readonly missing: readonly string[]
}

/** The calls to ECS, and to EC2 and Systems Manager about its hosts, in one place. Each throws SourceCallError. */
export class EcsCalls {
  readonly #access: AwsAccess
  readonly #place: Place

  constructor(access: AwsAccess, place: Place) {
    this.#access = access
    this.#place = place
  }

  /** ARNs. */
  listClusters(signal: AbortSignal): Promise<Drained<string>> {
    return this.#listArns('clusters', async token => {
      const command = new ListClustersCommand({ maxResults: 100, nextToken: token })
      const answer = await this.#ecs('ecs-cluster-read', 'ecs:ListClusters', signal, (client, options) => client.send(command, options))
      return { items: requireAnswer(answer.clusterArns, 'clusterArns', 'ecs:ListClusters'), next: answer.nextToken }
    })
  }

  /** Of names or ARNs; no more than `batch.clusters`. */
  async describeClusters(clusters: readonly string[], signal: AbortSignal): Promise<Described<RawCluster>> {
    const command = new DescribeClustersCommand({ clusters: [...clusters], include: ['STATISTICS'] })
    const answer = await this.#ecs('ecs-cluster-read', 'ecs:DescribeClusters', signal, (client, options) => client.send(command, options))
    const found = requireAnswer(answer.clusters, 'clusters', 'ecs:DescribeClusters')
    return described('clusters', clusters, found, answer.failures, ({ clusterArn = '', clusterName }) => [clusterArn, clusterName ?? ''])
  }

  /** ARNs of the tasks that shall run. */
  listTasks(cluster: string, signal: AbortSignal): Promise<Drained<string>> {
    return this.#listArns(`tasks of cluster ${nameInArn(cluster)}`, async token => {
      const command = new ListTasksCommand({ cluster, desiredStatus: 'RUNNING', maxResults: 100, nextToken: token })
      const answer = await this.#ecs('ecs-cluster-resource-read', 'ecs:ListTasks', signal, (client, options) =>
        client.send(command, options),
      )
      return { items: requireAnswer(answer.taskArns, 'taskArns', 'ecs:ListTasks'), next: answer.nextToken }
    })
  }

  /** No more than `batch.tasks`. */
  async describeTasks(cluster: string, arns: readonly string[], signal: AbortSignal): Promise<Described<TaskFacts>> {
    const command = new DescribeTasksCommand({ cluster, tasks: [...arns], include: ['TAGS'] })
    const answer = await this.#ecs('ecs-cluster-resource-read', 'ecs:DescribeTasks', signal, (client, options) =>
      client.send(command, options),
    )
    const tasks = requireAnswer(answer.tasks, 'tasks', 'ecs:DescribeTasks')
    const facts = tasks.map(task => factsOf(task)).filter(it => it !== null)
    return described('tasks', arns, facts, answer.failures, ({ arn }) => [arn])
  }

  /** By name; no more than `batch.services`. */
  async describeServices(cluster: string, names: readonly string[], signal: AbortSignal): Promise<Described<Service>> {
    const command = new DescribeServicesCommand({ cluster, services: [...names], include: ['TAGS'] })
    const answer = await this.#ecs('ecs-service-read', 'ecs:DescribeServices', signal, (client, options) => client.send(command, options))
    const services = requireAnswer(answer.services, 'services', 'ecs:DescribeServices').map(service => ({
      name: service.serviceName ?? nameInArn(service.serviceArn ?? ''),
      tags: tagsOf(service.tags),
    }))
    return described('services', names, services, answer.failures, ({ name }) => [name])
  }

  async describeDefinition(arn: string, signal: AbortSignal): Promise<Definition> {
    const command = new DescribeTaskDefinitionCommand({ taskDefinition: arn, include: ['TAGS'] })
    const answer = await this.#ecs('ecs-task-definition-read', 'ecs:DescribeTaskDefinition', signal, (client, options) =>
      client.send(command, options),
    )
    return definitionOf(arn, requireAnswer(answer.taskDefinition, 'taskDefinition', 'ecs:DescribeTaskDefinition'), answer.tags)
  }

  /** Container instances, without their addresses; no more than `batch.instances`. */
  async describeHosts(cluster: string, arns: readonly string[], signal: AbortSignal): Promise<Described<Host & { readonly arn: string }>> {
    const command = new DescribeContainerInstancesCommand({ cluster, containerInstances: [...arns] })
    const answer = await this.#ecs('ecs-cluster-resource-read', 'ecs:DescribeContainerInstances', signal, (client, options) =>
      client.send(command, options),
    )
    const hosts = requireAnswer(answer.containerInstances, 'containerInstances', 'ecs:DescribeContainerInstances').map(instance => ({
      arn: instance.containerInstanceArn ?? '',
      id: instance.ec2InstanceId ?? '',
      address: undefined,
      zone: instance.attributes?.find(({ name }) => name === 'ecs.availability-zone')?.value,
      status: instance.status ?? 'UNKNOWN',
      isConnected: instance.agentConnected !== false,
    }))
    return described('container instances', arns, hosts, answer.failures, ({ arn }) => [arn])
  }

  /** Private addresses by instance id, of those that EC2 knows; no more than `batch.ec2`. By a filter: one id that is no more would fail them all. */
  async hostAddresses(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, { address: string; zone: string | undefined }>> {
    const command = new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [...ids] }] })
    const client = this.#access.client(this.#place, EC2Client)
    const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
    const answer = await this.#access.call(this.#place, 'ec2-read', 'ec2:DescribeInstances', send, signal)
    const instances = requireAnswer(answer.Reservations, 'Reservations', 'ec2:DescribeInstances').flatMap(
      ({ Instances }) => Instances ?? [],
    )
    return new Map(
      instances.flatMap(({ InstanceId, PrivateIpAddress, Placement }) =>
        InstanceId && PrivateIpAddress ? [[InstanceId, { address: PrivateIpAddress, zone: Placement?.AvailabilityZone }]] : [],
      ),
    )
  }

  /**
   * Addresses by id of machines outside of AWS (`mi-…`), as their agents told Systems Manager; no more than `batch.ssm`. One that it does not know
   * may have it refuse them all. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
   */
  async outsideAddresses(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, { address: string; zone: undefined }>> {
    const client = this.#access.client(this.#place, SSMClient)
    const read = async (NextToken: string | undefined) => {
      const command = new DescribeInstanceInformationCommand({
        Filters: [{ Key: 'InstanceIds', Values: [...ids] }],
        MaxResults: batch.ssm,
        NextToken,
      })
      const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
      const answer = await this.#access.call(this.#place, 'ssm-read', 'ssm:DescribeInstanceInformation', send, signal)
      const items = requireAnswer(answer.InstanceInformationList, 'InstanceInformationList', 'ssm:DescribeInstanceInformation')
      return { items, next: answer.NextToken }
    }
    const { items, complete, missing } = await drainPages(read, {
      what: 'machines outside of AWS',
      idOf: (it: InstanceInformation) => it.InstanceId ?? '',
    })
    if (!complete) throw new SourceCallError('garbled', missing.join('; '))
    return new Map(
      items.flatMap(({ InstanceId, IPAddress }) =>
        InstanceId && IPAddress ? [[InstanceId, { address: IPAddress, zone: undefined }]] : [],
      ),
    )
  }

  #listArns(what: string, read: (token: string | undefined) => Promise<{ items: readonly string[]; next: string | undefined }>) {
    return drainPages(read, { what, idOf: arn => arn })
  }

  #ecs<T>(bucket: Bucket, action: string, signal: AbortSignal, send: (client: ECSClient, options: SendOptions) => Promise<T>): Promise<T> {
    const client = this.#access.client(this.#place, ECSClient)
    return this.#access.call(this.#place, bucket, action, abortSignal => send(client, { abortSignal }), signal)
  }
}

interface SendOptions {
  readonly abortSignal: AbortSignal
}

/** Sorts an answer: found, gone, and – whatever else is lacking – not told. @param namesOf what an answer may have been asked for by */
function described<T>(
  what: string,
  asked: readonly string[],
  found: readonly T[],
  failures: readonly Failure[] | undefined,
  namesOf: (it: T) => readonly string[],
): Described<T> {
  const open = new Set(asked)
  const unique = new Map<string, T>()
  for (const it of found) {
    const names = namesOf(it)
    unique.set(names[0]!, it)
    for (const name of names) open.delete(name)
  }
  const gone: string[] = []
  const missing: string[] = []
  for (const { arn = '', reason, detail } of failures ?? []) {
    // What was asked for by its name fails by its ARN.
    const name = [arn, nameInArn(arn)].find(it => open.delete(it))
    if (name === undefined) continue
    if (reason === 'MISSING') gone.push(name)
    else missing.push(`${nameInArn(arn)} could not be described: ${[reason, detail].filter(Boolean).join(', ')}`)
  }
  if (open.size > 0)
    missing.push(`${open.size} of ${asked.length} ${what} are not in the answer that should describe them, as ${nameInArn([...open][0]!)}`)
  return { found: [...unique.values()], gone, missing }
}

export interface DescribedInBatches<T> extends Described<T> {
  /** That were answered. */
  readonly calls: number
  /** What ended it early. */
  readonly failed: SourceCallError | null
}

/** Asks in batches, and stops at the first that fails: what follows would fail as well, and cost its time. */
export async function inBatches<T>(
  names: readonly string[],
  size: number,
  describe: (names: readonly string[]) => Promise<Described<T>>,
): Promise<DescribedInBatches<T>> {
  const all = { found: [] as T[], gone: [] as string[], missing: [] as string[], calls: 0, failed: null as SourceCallError | null }
  for (let first = 0; first < names.length; first += size) {
    try {
      const { found, gone, missing } = await describe(names.slice(first, first + size))
      all.found.push(...found)
      all.gone.push(...gone)
      all.missing.push(...missing)
      all.calls++
    } catch (error) {
      if (!(error instanceof SourceCallError)) throw error
      all.failed = error
      all.missing.push(`${names.length - first} could not be asked for: ${error.message}`)
      break
    }
  }
  return all
}
