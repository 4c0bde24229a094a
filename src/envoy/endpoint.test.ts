import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { HealthStatus } from '../gen/envoy/config/core/v3/health_check_pb.js'
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.js'
import type { EndpointSet } from '../policy/plan.ts'
import { encodeEndpoints } from './endpoint.ts'
import { anEndpoint, anEndpointGroup, anEndpointSet } from './test-plans.ts'

const health = { healthy: HealthStatus.HEALTHY, draining: HealthStatus.DRAINING, unhealthy: HealthStatus.UNHEALTHY }

function encodeByLibrary(clusterName: string, set: EndpointSet): Uint8Array {
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName,
    policy: { overprovisioningFactor: set.overprovisioning },
    endpoints: set.groups.map(group => ({
      locality: { zone: group.zone, subZone: group.subZone },
      priority: group.priority,
      loadBalancingWeight: group.weight,
      lbEndpoints: group.endpoints.map(endpoint => ({
        hostIdentifier: {
          case: 'endpoint' as const,
          value: {
            address: {
              address: {
                case: 'socketAddress' as const,
                value: { address: endpoint.address, portSpecifier: { case: 'portValue' as const, value: endpoint.port } },
              },
            },
          },
        },
        healthStatus: health[endpoint.state],
        loadBalancingWeight: endpoint.weight,
        ...(endpoint.name === '' ? {} : { metadata: { filterMetadata: { skerry: { name: endpoint.name } } } }),
      })),
    })),
  })
  return toBinary(ClusterLoadAssignmentSchema, message)
}

test('endpoints written by hand are byte for byte what the library writes', () => {
  const weight = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 0xffffffff }))
  const endpoint = fc.record({
    address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ minLength: 1 })),
    port: fc.integer({ min: 1, max: 65_535 }),
    weight,
    state: fc.constantFrom('healthy' as const, 'draining' as const, 'unhealthy' as const),
    name: fc.string({ unit: 'grapheme' }),
  })
  const group = fc.record({
    priority: fc.integer({ min: 0, max: 128 }),
    zone: fc.string(),
    subZone: fc.string(),
    weight,
    endpoints: fc.array(endpoint),
  })
  const set = fc.record({ key: fc.constant('k'), groups: fc.array(group), overprovisioning: fc.integer({ min: 1, max: 10_000 }) })

  fc.assert(
    fc.property(fc.string({ minLength: 1 }), set, (name, set) => {
      assert.equal(Buffer.compare(encodeEndpoints(name, set), encodeByLibrary(name, set)), 0)
    }),
    { numRuns: 200 },
  )
})

test('a set that is larger than it was guessed to be is whole', () => {
  const endpoints = Array.from({ length: 500 }, (_, index) => anEndpoint({ name: `payments-${index}`.padEnd(250, 'x') }))
  const bytes = encodeEndpoints('payments', anEndpointSet({ groups: [anEndpointGroup({ endpoints })] }))

  const decoded = fromBinary(ClusterLoadAssignmentSchema, bytes)

  assert.equal(decoded.endpoints[0]?.lbEndpoints.length, 500)
  assert.deepEqual(decoded.endpoints[0]?.lbEndpoints[499]?.metadata?.filterMetadata.skerry, { name: 'payments-499'.padEnd(250, 'x') })
})

test('a weight of nothing is the smallest that Envoy takes', () => {
  const bytes = encodeEndpoints(
    'payments',
    anEndpointSet({ groups: [anEndpointGroup({ weight: 0, endpoints: [anEndpoint({ weight: 0 })] })] }),
  )

  const [group] = fromBinary(ClusterLoadAssignmentSchema, bytes).endpoints

  assert.equal(group?.loadBalancingWeight, 1)
  assert.equal(group?.lbEndpoints[0]?.loadBalancingWeight, 1)
})
