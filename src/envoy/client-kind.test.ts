import assert from 'node:assert/strict'
import { test } from 'node:test'
import { companionAgent, dataPlaneOf, learnsHosts } from './client-kind.ts'

test('a client is known by what it calls itself, in xDS and as an engine', () => {
  for (const name of ['envoy', 'envoy 1.40.0', 'kuma-dp 3.0.1 envoy 1.40.0']) assert.equal(dataPlaneOf(name), 'envoy')
  for (const name of ['gRPC Node Pure JS', 'gRPC C-core linux', 'gRPC Go', 'grpc']) assert.equal(dataPlaneOf(name), 'grpc')
  for (const name of ['skerry', '', 'envoyer', 'grpcurl', companionAgent]) assert.equal(dataPlaneOf(name), 'skerry')
})

test('only an Envoy before 1.37 cannot learn hosts when they are asked for', () => {
  for (const engine of ['envoy 1.36.4', 'kuma-dp 3.0.1 envoy 1.36.4']) assert.equal(learnsHosts(engine), false)
  for (const engine of ['envoy 1.37.0', 'envoy 2.0.0', 'envoy', 'skerry', 'grpc']) assert.equal(learnsHosts(engine), true)
})
