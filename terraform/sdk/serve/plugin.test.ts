import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { credentials, makeClientConstructor, Server, ServerCredentials } from '@grpc/grpc-js'
import { decode, encode, type Message } from '../wire/protobuf.ts'
import type { Handlers } from '../wire/requests.ts'
import { bindPlugin } from './address.ts'
import { selfSigned } from './certificate.ts'
import { silentPluginLog } from './log.ts'
import { handshake, pluginCredentials } from './plugin.ts'
import { pluginServer } from './services.ts'

test('the certificate is one that Go takes: a root for localhost that signed itself', () => {
  const made = selfSigned()
  const certificate = new X509Certificate(made.certPem)

  assert(certificate.ca && certificate.verify(certificate.publicKey))
  assert.equal(certificate.subjectAltName, 'DNS:localhost')
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert(Date.parse(certificate.validFrom) < Date.now() && Date.parse(certificate.validTo) > Date.now())
  assert.deepEqual(certificate.raw, made.der)
})

test('the handshake is one line; the certificate in it has no padding, and a seventh field only for who asks', () => {
  const { certificate } = pluginCredentials(selfSigned().certPem)

  assert.doesNotMatch(certificate, /=/)
  assert.equal(handshake('unix', '/tmp/s', certificate, undefined), `1|6|unix|/tmp/s|grpc|${certificate}\n`)
  assert.equal(handshake('tcp', '127.0.0.1:1', '', '1'), '1|6|tcp|127.0.0.1:1|grpc||false\n')
})

test('a directory whose sockets would have too long a path gives way to the loopback interface', async () => {
  const long = mkdtempSync(join(tmpdir(), 'x'.repeat(100)))
  for (const [directory, network] of [
    [long, 'tcp'],
    [tmpdir(), 'unix'],
  ] as const) {
    const server = new Server()
    const bound = await bindPlugin(server, ServerCredentials.createInsecure(), directory)
    assert.equal(bound.network, network)
    server.forceShutdown()
    bound.remove()
  }
  rmSync(long, { recursive: true })
})

/** A client of one call, with or without the certificate that Terraform would have. */
async function ask(
  address: string,
  path: string,
  request: string,
  response: string,
  secure?: { readonly ca: string; readonly key: string; readonly cert: string },
): Promise<Message> {
  const method = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Message) => encode(request, message),
    requestDeserialize: (bytes: Buffer) => decode(request, bytes),
    responseSerialize: (message: Message) => encode(response, message),
    responseDeserialize: (bytes: Buffer) => decode(response, bytes),
  }
  const how =
    secure === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(secure.ca), Buffer.from(secure.key), Buffer.from(secure.cert))
  const Client = makeClientConstructor({ call: method }, 'Client')
  const client = new Client(`unix:${address}`, how, { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' })
  try {
    return await new Promise((resolve, reject) =>
      client.call!({}, { deadline: Date.now() + 10_000 }, (error: Error | null, answer: Message) =>
        error ? reject(error) : resolve(answer),
      ),
    )
  } finally {
    client.close()
  }
}

async function aPlugin(handlers: Handlers, clientCertificate?: string) {
  let isShutDown = false
  const server = pluginServer(handlers, {
    shutdown: () => {
      isShutDown = true
    },
    log: silentPluginLog,
  })
  const made = pluginCredentials(clientCertificate)
  const bound = await bindPlugin(server, made.credentials)
  return {
    address: bound.address,
    certificate: made.certificate,
    isShutDown: () => isShutDown,
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
      bound.remove()
    },
  }
}

test('it answers who has the certificate that Terraform gave it, and nobody else', async () => {
  const terraform = selfSigned()
  const stranger = selfSigned()
  await using plugin = await aPlugin({ StopProvider: () => ({ Error: 'none' }) }, terraform.certPem)
  const ca = new X509Certificate(Buffer.from(plugin.certificate, 'base64')).toString()
  const stop = (who: typeof terraform) =>
    ask(plugin.address, '/tfplugin6.Provider/StopProvider', 'Empty', 'StopProvider.Response', { ca, key: who.keyPem, cert: who.certPem })

  assert.deepEqual({ ...(await stop(terraform)) }, { Error: 'none' })
  await assert.rejects(stop(stranger))
})

test('it says that it is well, ends when it is told to, and does not know what it was not given', async () => {
  await using plugin = await aPlugin({})

  assert.deepEqual(
    { ...(await ask(plugin.address, '/grpc.health.v1.Health/Check', 'HealthCheckRequest', 'HealthCheckResponse')) },
    { status: 1 },
  )
  await assert.rejects(ask(plugin.address, '/tfplugin6.Provider/GetResourceIdentitySchemas', 'Empty', 'Empty'), /UNIMPLEMENTED/)
  await ask(plugin.address, '/plugin.GRPCController/Shutdown', 'Empty', 'Empty')
  await new Promise(resolve => setImmediate(resolve))
  assert(plugin.isShutDown())
})
