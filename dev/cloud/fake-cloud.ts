import { join } from 'node:path'
import { CreateClusterCommand, CreateServiceCommand, ECSClient, RegisterTaskDefinitionCommand } from '@aws-sdk/client-ecs'
import { CreateAliasCommand, CreateFunctionCommand, GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type Parts, until } from '../parts.ts'
import { cluster, queue } from './cloud-resources.ts'
import { CloudFront } from './front.ts'
import { type Command, fakeAccount, fakeCredentials, fakeRegion, ministackProcess } from './ministack.ts'
import { storedZip } from './stored-zip.ts'
import { containerPort, shopImage, Tasks } from './tasks.ts'

/** Python on a busy machine takes its time. */
const readyWithinMs = 90_000

/** What a function of the shop does: it answers in payload format 2.0, as behind a function URL. */
const greeting = `
exports.handler = async ({ rawPath, requestContext, headers }) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ service: 'greeting', function: true, method: requestContext.http.method, path: rawPath, caller: headers['x-forwarded-client-cert'] }) + '\\n',
})`

/** An AWS account on this machine, in which part of the shop runs: ministack, what it lacks of ECS, and an address in front of both. */
export class FakeCloud implements AsyncDisposable {
  readonly front: CloudFront
  readonly tasks: Tasks
  readonly ecs: ECSClient
  readonly #clients: readonly { destroy(): void }[]

  private constructor(front: CloudFront, tasks: Tasks, ecs: ECSClient, clients: readonly { destroy(): void }[]) {
    this.front = front
    this.tasks = tasks
    this.ecs = ecs
    this.#clients = clients
  }

  /** An account with nothing in it. Its processes are the supervisor's. */
  static async start(parts: Parts, command: Command, zone: string): Promise<FakeCloud> {
    const { ports, dataDir } = parts.layout
    const process = ministackProcess(command, ports['cloud-ministack'], join(dataDir, 'cloud'))
    await parts.supervisor.start(process)
    const ministack = `http://127.0.0.1:${ports['cloud-ministack']}`
    await until(async () => {
      if (!parts.supervisor.isRunning(process.name))
        throw new Error(`ministack ended while starting: see ${dataDir}/logs/${process.name}.log`)
      const response = await fetch(`${ministack}/_ministack/health`, { signal: AbortSignal.timeout(2000) }).catch(() => null)
      await response?.body?.cancel()
      return response?.ok ?? false
    }, readyWithinMs)
    const behind = new ECSClient(optionsFor(ministack))
    const sqs = new SQSClient({ ...optionsFor(ministack), useQueueUrlAsEndpoint: false })
    const tasks = new Tasks(ministack, { ecs: behind, sqs }, parts.supervisor, zone)
    const front = new CloudFront({
      behind: ports['cloud-ministack'],
      record: arn => tasks.record(arn),
      changed: () => void tasks.sync().catch(() => {}),
    })
    await front.listen(ports.cloud)
    const ecs = new ECSClient(optionsFor(`http://127.0.0.1:${ports.cloud}`))
    return new FakeCloud(front, tasks, ecs, [behind, sqs, ecs])
  }

  /** Puts into the account what the shop has there: two tasks of `recommendations`, the function `greeting`, and a queue of events. */
  async furnish(endpoint: string): Promise<void> {
    const options = optionsFor(endpoint)
    const sqs = new SQSClient(options)
    const lambda = new LambdaClient(options)
    try {
      await sqs.send(new CreateQueueCommand({ QueueName: queue, Attributes: { VisibilityTimeout: '5' } }))
      await this.ecs.send(new CreateClusterCommand({ clusterName: cluster }))
      await this.service('recommendations', 2)
      await deployGreeting(lambda)
    } finally {
      sqs.destroy()
      lambda.destroy()
    }
  }

  /** A service of the shop's image, reached at the port of its definition at each task's own address. */
  async service(name: string, desiredCount: number): Promise<void> {
    await this.ecs.send(
      new RegisterTaskDefinitionCommand({
        family: name,
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: '256',
        memory: '512',
        containerDefinitions: [
          { name, image: shopImage, essential: true, portMappings: [{ containerPort, name: 'main', appProtocol: 'http' }] },
        ],
      }),
    )
    const awsvpcConfiguration = { subnets: ['subnet-1'] }
    const networkConfiguration = { awsvpcConfiguration }
    await this.ecs.send(
      new CreateServiceCommand({
        cluster,
        serviceName: name,
        taskDefinition: name,
        desiredCount,
        launchType: 'FARGATE',
        networkConfiguration,
      }),
    )
  }

  /** What it runs is the supervisor's to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.tasks.close()
    await this.front[Symbol.asyncDispose]()
    for (const client of this.#clients) client.destroy()
  }
}

async function deployGreeting(lambda: LambdaClient): Promise<void> {
  const FunctionName = 'greeting'
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs22.x',
      Role: `arn:aws:iam::${fakeAccount}:role/greeting`,
      Handler: 'index.handler',
      Code: { ZipFile: storedZip('index.js', greeting) },
      Tags: { 'skerry.io/expose': 'true', 'skerry.io/aliases': 'live' },
      Publish: true,
    }),
  )
  await until(async () => {
    const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName }))
    return Configuration?.State === 'Active'
  }, readyWithinMs)
  await lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
}

function optionsFor(endpoint: string) {
  return { endpoint, region: fakeRegion, credentials: fakeCredentials, maxAttempts: 2 }
}
