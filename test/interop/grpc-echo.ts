import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'

const same = (value: Buffer) => value
const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
const definition = {
  Unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...bytes },
  Chat: { path: '/test.Echo/Chat', requestStream: true, responseStream: true, ...bytes },
}

/** A gRPC application that does what it is told: `fail 5`, `flaky x` (unavailable twice), `never`; anything else comes back. */
export async function startGrpcEcho(): Promise<{ readonly port: number; cancelled(): number; stop(): void }> {
  let cancelled = 0
  const tries = new Map<string, number>()
  const server = new Server()
  server.addService(definition, {
    Unary(call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) {
      const text = call.request.toString()
      call.on('cancelled', () => cancelled++)
      const count = (tries.get(text) ?? 0) + 1
      tries.set(text, count)
      const trailer = new Metadata()
      trailer.set('x-trailer', 'last word')
      if (text === 'never') return
      if (text.startsWith('fail ')) reply({ code: Number(text.slice(5)), details: 'as told' })
      else if (text.startsWith('flaky ') && count < 3) reply({ code: 14, details: 'not yet' })
      else reply(null, call.request, trailer)
    },
    Chat(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])))
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return { port, cancelled: () => cancelled, stop: () => server.forceShutdown() }
}

function aClient(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.enable_retries': 0 })
}

/** What came of a call: its status, its message, and the trailer that the application sends. */
export function callUnary(
  port: number,
  message: string,
  deadlineMs = 10_000,
): Promise<{ code: number; message: string; trailer: string | undefined }> {
  const client = aClient(port)
  return new Promise(resolve => {
    let answer = ''
    const options = { deadline: Date.now() + deadlineMs }
    const call = client.makeUnaryRequest<Buffer, Buffer>(
      '/test.Echo/Unary',
      same,
      same,
      Buffer.from(message),
      new Metadata(),
      options,
      (_error, reply) => {
        answer = reply?.toString() ?? ''
      },
    )
    call.on('status', ({ code, metadata }) =>
      setImmediate(() => {
        client.close()
        resolve({ code, message: answer, trailer: metadata.get('x-trailer')[0]?.toString() })
      }),
    )
  })
}

/** Says one thing after the other, each after the answer to the one before. */
export function chat(port: number, words: readonly string[]): Promise<string[]> {
  const client = aClient(port)
  return new Promise((resolve, reject) => {
    const answers: string[] = []
    const call = client.makeBidiStreamRequest<Buffer, Buffer>('/test.Echo/Chat', same, same)
    call.on('data', (part: Buffer) => {
      answers.push(part.toString())
      if (answers.length < words.length) call.write(Buffer.from(words[answers.length]!))
      else call.end()
    })
    call.on('error', reject)
    call.on('status', () => {
      client.close()
      resolve(answers)
    })
    call.write(Buffer.from(words[0]!))
  })
}
