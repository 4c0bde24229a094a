import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Task } from '@aws-sdk/client-ecs'
import { asEcsTellsIt, type TaskRecord } from './task-record.ts'

/**
 * `down`: every question is refused, and what is made runs on. `empty`: every listing is, and ECS denies that it ever knew a task; only Lambda still
 * counts its functions.
 */
export type Weather = 'fine' | 'down' | 'empty'
export const weathers: readonly Weather[] = ['fine', 'down', 'empty']

interface Options {
  /** Where ministack listens. */
  readonly behind: number
  readonly record: (arn: string) => TaskRecord | undefined
  /** What shall run may be another than before. */
  readonly changed: () => void
}

/** What changes what shall run. */
const changing = /^(RunTask|StopTask|CreateService|UpdateService|DeleteService)$/

/** The address of the fake cloud: passes everything on to ministack, tells of tasks what ministack does not know, and has bad days at will. */
export class CloudFront implements AsyncDisposable {
  weather: Weather = 'fine'
  readonly #options: Options
  readonly #server = createServer((incoming, outgoing) => {
    this.#serve(incoming, outgoing).catch(() => outgoing.destroy())
  })

  constructor(options: Options) {
    this.#options = options
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await read(incoming)
    if (incoming.url?.startsWith('/_demo/weather')) return this.#setWeather(incoming, outgoing, body)
    const operation = String(incoming.headers['x-amz-target'] ?? '')
      .split('.')
      .pop()!
    // Who calls a function asks nothing: it runs, whatever becomes of the API that lists it.
    const isCall = incoming.url?.endsWith('/invocations') ?? false
    if (this.weather === 'down' && !isCall) {
      outgoing.writeHead(503, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': 'ServiceUnavailableException' })
      outgoing.end('{"__type":"ServiceUnavailableException","message":"the fake cloud has a bad day"}')
      return
    }
    const answer = await this.#passOn(incoming, outgoing, body)
    const isJson = answer.headers['content-type']?.includes('json') && answer.statusCode === 200
    const edited = isJson ? this.#edit(operation, body, answer.body) : answer.body
    const { 'content-length': _, 'transfer-encoding': __, 'x-amz-crc32': ___, connection: ____, ...headers } = answer.headers
    outgoing.writeHead(answer.statusCode, { ...headers, 'content-length': edited.length }).end(edited)
    if (changing.test(operation)) this.#options.changed()
  }

  #setWeather(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): void {
    const asked = body.toString() as Weather
    const isKnown = weathers.includes(asked)
    if (incoming.method === 'PUT' && isKnown) this.weather = asked
    outgoing.writeHead(incoming.method === 'PUT' && !isKnown ? 400 : 200, { 'content-type': 'text/plain' }).end(`${this.weather}\n`)
  }

  #edit(operation: string, asked: Buffer, body: Buffer): Buffer {
    const edit = this.weather === 'empty' ? lies[operation] : undefined
    if (edit === undefined && !/^(DescribeTasks|RunTask|StopTask)$/.test(operation)) return body
    const said = JSON.parse(body.toString())
    if (edit !== undefined) return Buffer.from(JSON.stringify(edit(said, JSON.parse(asked.toString()))))
    const tell = (task: Task) => asEcsTellsIt(task, this.#options.record(task.taskArn ?? ''))
    if (said.task) said.task = tell(said.task)
    if (said.tasks) said.tasks = said.tasks.map(tell)
    return Buffer.from(JSON.stringify(said))
  }

  #passOn(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method, url, headers } = incoming
      const { 'transfer-encoding': _, connection: __, ...sent } = headers
      const options = {
        host: '127.0.0.1',
        port: this.#options.behind,
        method,
        path: url,
        headers: { ...sent, 'content-length': body.length },
      }
      const call = request(options, response => {
        read(response).then(answer => resolve({ statusCode: response.statusCode ?? 502, headers: response.headers, body: answer }), reject)
      })
      call.on('error', reject)
      // A question that is held open is not asked on for nobody: it would take messages with it.
      outgoing.once('close', () => call.destroy())
      call.end(body)
    })
  }
}

interface Answer {
  readonly statusCode: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

interface Asked {
  readonly tasks?: readonly string[]
}

/** A day on which nothing is there. */
const lies: Readonly<Record<string, (said: Record<string, unknown>, asked: Asked) => object>> = {
  ListClusters: () => ({ clusterArns: [] }),
  ListServices: () => ({ serviceArns: [] }),
  ListTasks: () => ({ taskArns: [] }),
  DescribeTasks: (_, { tasks = [] }) => ({ tasks: [], failures: tasks.map(arn => ({ arn, reason: 'MISSING' })) }),
  DescribeClusters: ({ clusters = [] }) => ({
    clusters: (clusters as object[]).map(cluster => ({ ...cluster, runningTasksCount: 0, activeServicesCount: 0 })),
    failures: [],
  }),
  GetResources: () => ({ ResourceTagMappingList: [] }),
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
