import * as grpc from '@grpc/grpc-js'
import { decode, encode, type Message } from '../wire/protobuf.ts'
import { calls, type Handlers } from '../wire/requests.ts'
import type { PluginLog } from './log.ts'

/** What go-plugin asks of a plugin beside its own calls. */
export interface Lifecycle {
  /** Terraform is done with us. */
  shutdown(): void
  readonly log: PluginLog
}

/** A gRPC server that answers Terraform's calls, and those of go-plugin around them.
 *  https://github.com/hashicorp/go-plugin/blob/main/docs/internals.md */
export function pluginServer(handlers: Handlers, lifecycle: Lifecycle): grpc.Server {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.enable_channelz': 0,
  })
  addProvider(server, handlers, lifecycle.log)
  addPlugin(server, lifecycle)
  return server
}

function addProvider(server: grpc.Server, handlers: Handlers, log: PluginLog): void {
  for (const [name, [request, response]] of Object.entries(calls)) {
    const handler = handlers[name as keyof Handlers] as ((request: Message) => Message | Promise<Message>) | undefined
    if (handler === undefined) continue
    addUnary(server, `/tfplugin6.Provider/${name}`, request, response, async message => {
      try {
        return await handler(message)
      } catch (error) {
        log('error', `${name} failed`, { stack: (error as Error).stack })
        throw error
      }
    })
  }
}

function addPlugin(server: grpc.Server, { shutdown }: Lifecycle): void {
  // Without an answer Terraform waits two seconds for every process, and kills it then.
  addUnary(server, '/plugin.GRPCController/Shutdown', 'Empty', 'Empty', () => {
    setImmediate(shutdown)
    return {}
  })
  addUnary(server, '/grpc.health.v1.Health/Check', 'HealthCheckRequest', 'HealthCheckResponse', () => ({ status: 1 }))
  // Nothing goes over stdout: the stream is held open until the end.
  const stdio: grpc.handleServerStreamingCall<Message, Message> = () => {}
  register(server, '/plugin.GRPCStdio/StreamStdio', 'Empty', 'StdioData', stdio, 'serverStream')
  const broker: grpc.handleBidiStreamingCall<Message, Message> = call => {
    call.on('data', () => {})
    call.on('error', () => {})
    call.on('end', () => call.end())
  }
  register(server, '/plugin.GRPCBroker/StartStream', 'ConnectionInfo', 'ConnectionInfo', broker, 'bidi')
}

function addUnary(
  server: grpc.Server,
  path: string,
  request: string,
  response: string,
  answer: (message: Message) => Message | Promise<Message>,
): void {
  const handle: grpc.handleUnaryCall<Message, Message> = (call, callback) => {
    const answered = (async () => answer(call.request))()
    answered.then(
      message => callback(null, message),
      error => callback({ code: grpc.status.INTERNAL, details: error instanceof Error ? error.message : String(error) }),
    )
  }
  register(server, path, request, response, handle, 'unary')
}

function register(
  server: grpc.Server,
  path: string,
  request: string,
  response: string,
  handler: grpc.UntypedHandleCall,
  kind: string,
): void {
  server.register(
    path,
    handler as never,
    (message: Message) => encode(response, message),
    (bytes: Buffer) => decode(request, bytes),
    kind,
  )
}
