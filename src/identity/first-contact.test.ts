import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { fingerprintOf } from './fingerprint.ts'
import { fetchCa } from './first-contact.ts'
import { issueServerCertificate } from './issue.ts'
import { exportPrivateKey, makeKeyPair } from './keys.ts'
import { readSvid } from './svid.ts'
import { anSvid, aRoot } from './test-support.ts'

test('a client that knows only the fingerprint gets the CA, and can then verify the server with it', async () => {
  await using server = await aControlPlane()

  const pem = await fetchCa(server.address, server.fingerprint.toUpperCase())

  assert.equal(pem, server.caPem)
  const socket = connect({ port: server.port, host: '127.0.0.1', ca: pem, servername: 'skerry-cp' })
  await once(socket, 'secureConnect')
  assert.equal(socket.authorized, true)
  socket.destroy()
})

test('a server with another CA is not believed, whatever it serves', async () => {
  await using impostor = await aControlPlane()
  const { certificate } = await aRoot()

  await assert.rejects(fetchCa(impostor.address, fingerprintOf(certificate)), { code: 'SKERRY_CA_MISMATCH' })
})

test('an answer that is no certificate, too long, an error or none is a clear failure', async () => {
  const fingerprint = 'ab'.repeat(32)
  for (const answer of ['hello', `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`, 'x'.repeat(100_000), 404]) {
    await using server = await aControlPlane(answer)
    await assert.rejects(fetchCa(server.address, fingerprint), { name: 'FirstContactError' })
  }
  await assert.rejects(fetchCa('127.0.0.1:1', fingerprint), { code: 'SKERRY_CA_UNAVAILABLE' })
  await assert.rejects(fetchCa('127.0.0.1:1', fingerprint, AbortSignal.abort()), { code: 'SKERRY_CA_UNAVAILABLE' })
})

test('two proxies with SVIDs of ours shake hands with node:tls and read each other from the certificate', async () => {
  const authority = await aRoot()
  const [payments, orders] = await Promise.all(
    ['payments', 'orders'].map(workload => anSvid({ authority, spiffeId: `spiffe://default.aws-1.mesh.local/workload/${workload}` })),
  )
  const tls = (svid: NonNullable<typeof payments>) => ({
    cert: svid.chainPem,
    key: exportPrivateKey(svid.privateKey),
    ca: authority.certificatePem,
  })
  const server = createTlsServer({ ...tls(payments!), requestCert: true, rejectUnauthorized: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>

  const client = connect({
    ...tls(orders!),
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    checkServerIdentity: () => undefined,
  })
  await once(client, 'secureConnect')
  const [[served]] = await Promise.all([accepted])

  assert.equal(uriOf(client), 'spiffe://default.aws-1.mesh.local/workload/payments')
  assert.equal(uriOf(served), 'spiffe://default.aws-1.mesh.local/workload/orders')
  assert.equal(served.authorized, true)
  client.destroy()
  served.destroy()
  server.close()
})

function uriOf(socket: TLSSocket): string | undefined {
  const verdict = readSvid(socket.getPeerX509Certificate()!)
  return verdict.kind === 'ok' ? verdict.peer.uri : undefined
}

async function aControlPlane(answer?: string | number) {
  const authority = await aRoot()
  const keys = makeKeyPair()
  const clock = { now: Date.now }
  const certificate = await issueServerCertificate(
    authority,
    { publicKey: keys.publicKey, dnsNames: ['skerry-cp'], ips: ['127.0.0.1'] },
    { clock },
  )
  const server = createServer({ cert: certificate.chainPem, key: exportPrivateKey(keys.privateKey) }, (_, response) => {
    response.statusCode = typeof answer === 'number' ? answer : 200
    response.end(typeof answer === 'string' ? answer : authority.certificatePem)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    address: `127.0.0.1:${port}`,
    caPem: authority.certificatePem,
    fingerprint: fingerprintOf(authority.certificate),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
