import { createServer, type IncomingMessage, request } from 'node:http'

/**
 * One service of the demo shop: answers with who it is, and with what the service after it answered.
 * `node dev/shop.ts --name orders --zone azure-1 --port 8081 --next http://127.0.0.1:9001/`; `--instance` tells it from others of its name
 */
const flags = new Map<string, string>()
for (let i = 2; i < process.argv.length; i += 2) flags.set(process.argv[i]!.replace(/^--/, ''), process.argv[i + 1] ?? '')
const name = flags.get('name') ?? 'shop'
const zone = flags.get('zone') ?? ''
const next = flags.get('next')
const instance = flags.get('instance')

const server = createServer((incoming, outgoing) => {
  const answer = (status: number, body: Record<string, unknown>) => {
    outgoing.writeHead(status, { 'content-type': 'application/json' })
    outgoing.end(`${JSON.stringify(body)}\n`)
  }
  const own = { service: name, zone, ...(instance === undefined ? {} : { instance }) }
  if (!next) return answer(200, own)
  const call = request(
    next,
    { method: 'GET', headers: { 'x-request-id': incoming.headers['x-request-id'] ?? '' }, timeout: 10_000 },
    response => {
      text(response).then(
        body =>
          answer(response.statusCode === 200 ? 200 : 502, {
            ...own,
            next: parse(body),
            ...(response.statusCode === 200 ? {} : { status: response.statusCode }),
          }),
        error => answer(502, { ...own, error: String(error) }),
      )
    },
  )
  call.on('timeout', () => call.destroy(new Error('no answer within 10 s')))
  call.on('error', error => answer(502, { ...own, error: error.message }))
  call.end()
})
server.keepAliveTimeout = 65_000
server.listen(Number(flags.get('port') ?? 0), flags.get('host') ?? '127.0.0.1')

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
    setTimeout(() => process.exit(0), 2000).unref()
  })
}

async function text(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
