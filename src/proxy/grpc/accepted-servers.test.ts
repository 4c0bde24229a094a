import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { serverListenerTemplate } from '../../envoy/grpc/names.ts'
import { ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js'
import { CDS, LDS } from '../../xds/resource-types.ts'
import { AcceptedServers } from './accepted-servers.ts'

const server = (port: number) => serverListenerTemplate.replace('%s', `0.0.0.0:${port}`)

function say(nonce: string, names: string[], typeUrl = LDS): Uint8Array {
  const resources = names.map(name => anyPack(ListenerSchema, create(ListenerSchema, { name })))
  return toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { typeUrl, nonce, resources }))
}

function answer(responseNonce: string, error?: string, typeUrl = LDS): Uint8Array {
  const errorDetail = error === undefined ? {} : { errorDetail: { code: 3, message: error } }
  return toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { typeUrl, responseNonce, ...errorDetail }))
}

test('a port is served when its listener was accepted, and not before', () => {
  const accepted = new AcceptedServers()

  accepted.onRequest(answer(''))
  accepted.onResponse(say('1', ['orders', server(50_051)]))
  const before = [...accepted.ports]
  accepted.onRequest(answer('1', undefined, CDS))
  accepted.onRequest(answer('1'))

  assert.deepEqual(before, [])
  assert.deepEqual([...accepted.ports], [50_051])
})

test('what is refused changes nothing, and what is left out is served no more', () => {
  const accepted = new AcceptedServers()
  accepted.onResponse(say('1', [server(1)]))
  accepted.onRequest(answer('1'))

  accepted.onResponse(say('2', [server(1), server(2)]))
  accepted.onRequest(answer('2', 'no'))
  const refused = [...accepted.ports]
  accepted.onResponse(say('3', [server(2)]))
  accepted.onRequest(answer('3'))

  assert.deepEqual(refused, [1])
  assert.deepEqual([...accepted.ports], [2])
})
