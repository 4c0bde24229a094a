import { createInterface } from 'node:readline'
import {
  type ChannelCredentials,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { register, XdsChannelCredentials, XdsServer, XdsServerCredentials } from '@grpc/grpc-js-xds'

/**
 * An application with gRPC's own xDS client in it, in Node; `grpc_app.py` is the same one in Python. Serves on each `ADDRESS` given as
 * `serve ADDRESS NAME`, and makes the calls that come as lines of JSON: `{ target, say, timeoutMs }` → `{ code, text }`.
 */
register()

const text = { serialize: (value: string) => Buffer.from(value), deserialize: (bytes: Buffer) => bytes.toString() }
const method = (path: string) => ({
  path,
  requestStream: false as const,
  responseStream: false as const,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
})
const service: ServiceDefinition = {
  say: method('/test.Echo/Say'),
  whisper: method('/test.Echo/Whisper'),
  // An empty message is an empty string, which grpc-js would take for none at all.
  check: { ...method('/grpc.health.v1.Health/Check'), requestDeserialize: (bytes: Buffer) => bytes },
}
/** HealthCheckResponse{ status = SERVING } */
const serving = '\x08\x01'
const Client = makeGenericClientConstructor(service, 'Echo')

const failed = new Set<string>()

/** `fail-once KEY` fails the first time, `sleep MS` takes its time, all else is answered with the server's name. */
function answer(name: string, said: string, done: sendUnaryData<string>): void {
  const [verb, argument = ''] = said.split(' ')
  if (verb === 'fail-once' && !failed.has(argument)) {
    failed.add(argument)
    done({ code: status.UNAVAILABLE, details: 'not the first time' })
    return
  }
  setTimeout(() => done(null, name), verb === 'sleep' ? Number(argument) : 0)
}

async function serve(address: string, name: string): Promise<void> {
  const server = new XdsServer()
  const handler = (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => answer(name, call.request, done)
  server.addService(service, {
    say: handler,
    whisper: handler,
    check: (_call: unknown, done: sendUnaryData<string>) => done(null, serving),
  })
  await new Promise<void>((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve())
    server.bindAsync(address, new XdsServerCredentials(ServerCredentials.createInsecure()), done)
  })
}

interface Ask {
  readonly id: number
  readonly target: string
  readonly say: string
  readonly method?: 'say' | 'whisper'
  readonly timeoutMs?: number
  readonly headers?: Record<string, string>
}

const channels = new Map<string, InstanceType<typeof Client>>()

function call({ id, target, say, method = 'say', timeoutMs = 5000, headers = {} }: Ask): void {
  let client = channels.get(target)
  if (!client) {
    client = new Client(target, new XdsChannelCredentials(credentials.createInsecure()) as ChannelCredentials)
    channels.set(target, client)
  }
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  client[method]!(say, metadata, { deadline: Date.now() + timeoutMs }, (error: { code: number; details: string } | null, said?: string) => {
    const reply = error ? { id, code: status[error.code], text: error.details } : { id, code: 'OK', text: said }
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  })
}

const [verb, address = '', name = ''] = process.argv.slice(2)
if (verb === 'serve') await serve(address, name)
process.stdout.write('"ready"\n')
for await (const line of createInterface({ input: process.stdin })) call(JSON.parse(line) as Ask)
process.exit(0)
