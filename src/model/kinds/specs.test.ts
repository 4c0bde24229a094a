import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSpec } from '../validate.ts'
import { kindByName } from './index.ts'

/** What is wrong with a spec, as `field: reason` without `spec.` and without the help after a semicolon. */
function problems(kind: string, spec: object): string[] {
  return checkSpec(kindByName(kind)!, spec).violations.map(
    ({ field, reason }) => `${field.replace(/^spec[.]?/, '')}: ${reason.split('; ')[0]}`,
  )
}

test('Dataplane: addresses are those that can be reached and bound', () => {
  const dataplane = (networking: object) =>
    problems('Dataplane', { networking: { address: '10.0.0.1', inbound: [{ port: 80 }], ...networking } })

  assert.deepEqual(problems('Dataplane', {}), ['networking: must be defined'])
  assert.deepEqual(problems('Dataplane', { networking: {} }), [
    "networking.address: address can't be empty",
    'networking: has to contain at least one inbound interface or gateway',
  ])
  assert.deepEqual(dataplane({ address: 'web-1.example.com' }), [])
  assert.deepEqual(dataplane({ address: '0.0.0.0' }), ['networking.address: must not be 0.0.0.0 or ::'])
  assert.deepEqual(dataplane({ address: '..>_<..' }), ['networking.address: address has to be valid IP address or domain name'])
  assert.deepEqual(dataplane({ inbound: [{ port: 80, address: 'x', serviceAddress: 'y' }] }), [
    'networking.inbound[0].address: address has to be valid IP address',
    'networking.inbound[0].serviceAddress: serviceAddress has to be valid IP address',
  ])
  assert.deepEqual(dataplane({ inbound: [{ port: 80, serviceAddress: '10.0.0.1' }] }), [
    'networking.inbound[0].serviceAddress: serviceAddress and servicePort has to differ from address and port',
  ])
  assert.deepEqual(dataplane({ inbound: [{ port: 80, serviceAddress: '10.0.0.1', servicePort: 8080 }] }), [])
  assert.deepEqual(dataplane({ outbound: [{ port: 0, address: 'x', backendRef: { name: 'a' } }] }), [
    'networking.outbound[0].port: port must be in the range [1, 65535]',
    'networking.outbound[0].address: address has to be valid IP address',
  ])
})

test('Dataplane: probes need time, gateways no inbounds, listeners a port of their own', () => {
  const dataplane = (networking: object) => problems('Dataplane', { networking: { address: '10.0.0.1', ...networking } })
  const probe = { interval: '0s', timeout: '-1s', unhealthyThreshold: 0 }
  const listener = { type: 'ZoneIngress', address: '10.0.0.1', port: 10001 }

  assert.deepEqual(dataplane({ inbound: [{ port: 80, serviceProbe: probe }] }), [
    'networking.inbound[0].serviceProbe.unhealthyThreshold: must have a positive value',
    'networking.inbound[0].serviceProbe.interval: must have a positive value',
    'networking.inbound[0].serviceProbe.timeout: must have a positive value',
  ])
  assert.deepEqual(dataplane({ gateway: {}, inbound: [{ port: 80 }] }), [
    'networking.inbound: inbound cannot be defined for delegated gateways',
  ])
  assert.deepEqual(dataplane({ listeners: [listener, { ...listener, type: 'ZoneEgress' }] }), [
    'networking.listeners[1].port: an earlier listener has this port',
  ])
})

test('MeshService: its instances are found in one way', () => {
  const selector = { dataplaneLabels: { matchLabels: { app: 'web' } }, dataplaneRef: { name: 'web-1' } }

  assert.deepEqual(problems('MeshService', { selector }), ['selector: must specify only one of: dataplaneRef, or dataplaneLabels'])
  assert.deepEqual(
    problems('MeshService', {
      ports: [
        { port: 80, name: 'a' },
        { port: 80, name: 'a' },
      ],
    }),
    ['ports[1].port: an earlier port has this number', 'ports[1].name: an earlier port has this name'],
  )
  assert.deepEqual(problems('MeshService', { ports: [{ port: 80, appProtocol: 'kafka' }] }), [
    'ports[0].appProtocol: "appProtocol" must be one of ["tcp", "http", "http2", "grpc", "tls"]',
  ])
})

test('HostnameGenerator: one selector, and a template that makes names', () => {
  const generator = (template: string) => problems('HostnameGenerator', { selector: { meshService: {} }, template })

  assert.deepEqual(generator('{{ .DisplayName }}.{{ label "k8s.kuma.io/namespace" }}.svc.{{ .Zone }}.mesh.local'), [])
  assert.deepEqual(problems('HostnameGenerator', { selector: {} }), [
    'template: must not be empty',
    'selector: exact one selector (meshService, meshExternalService) must be defined',
  ])
  assert.deepEqual(generator('{{ .Name }'), ["template: couldn't parse template: template: :1: unclosed action"])
  assert.deepEqual(generator('{{ lower .Name }}'), ['template: couldn\'t parse template: template: :1: function "lower" not defined'])
  assert.deepEqual(generator('{{ .Colour }}.mesh'), ["template: couldn't render template with stub values: can't evaluate field Colour"])
  assert.deepEqual(generator('{{ .Name }}_x'), ['template: template renders to "name_x" which is not a valid DNS name'])
})

test('MeshOpenTelemetryBackend: an address that can be dialled, and a path for HTTP alone', () => {
  const backend = (endpoint: object, protocol?: string) =>
    problems('MeshOpenTelemetryBackend', { endpoint, ...(protocol ? { protocol } : {}) })

  assert.deepEqual(backend({ address: '' }), ['endpoint.address: must not be empty'])
  assert.deepEqual(backend({ address: 'not a host', port: 0 }), [
    'endpoint.port: port must be a valid (1-65535)',
    'endpoint.address: address has to be a valid IP or hostname',
  ])
  assert.deepEqual(backend({ path: '/x' }), ['endpoint.path: must not be set when protocol is grpc'])
  assert.deepEqual(backend({ path: 'x?y' }, 'http'), [
    'endpoint.path: must start with /',
    'endpoint.path: must not contain query or fragment',
  ])
  assert.deepEqual(backend({}, 'udp'), ['protocol: must be one of: grpc, http'])
})

test('DiscoverySource: it looks where its type can, and holds no secret', () => {
  assert.deepEqual(problems('DiscoverySource', { type: 'ECS', kubernetes: {} }), [
    'kubernetes: must not be set when type is ECS',
    'aws: must be defined when type is ECS',
  ])
  const events = { queueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/events' }
  assert.deepEqual(problems('DiscoverySource', { type: 'ECS', aws: { regions: ['eu-1'], clusters: ['prod'], events } }), [])
  assert.deepEqual(problems('DiscoverySource', { type: 'EC2', aws: { regions: ['eu-1'], clusters: ['prod'], events } }), [
    'aws.clusters: must not be set when type is EC2: it is for EKS and ECS',
    'aws.events: must not be set when type is EC2: it is for ECS',
  ])
  assert.deepEqual(problems('DiscoverySource', { type: 'Kubernetes' }), [], 'in a pod its own cluster is meant')
  assert.deepEqual(
    problems('DiscoverySource', {
      type: 'DNS',
      dns: {
        names: [
          { name: 'a', type: 'A' },
          { name: '_x._tcp.a', type: 'SRV' },
        ],
      },
    }),
    ['dns.names[0].port: must be defined: A records have no port'],
  )
  const inline = { type: 'Reference', reference: { type: 'InsecureInline', insecureInline: { value: 'secret' } } }
  assert.deepEqual(problems('DiscoverySource', { type: 'Kubernetes', credentials: inline }), [
    'credentials.reference.type: "type" must be one of ["File", "Secret", "EnvVar"]',
  ])
  assert.deepEqual(problems('DiscoverySource', { type: 'EC2', aws: { regions: ['eu-1'] }, limits: { interval: '10ms' } }), [
    'limits.interval: must be at least 1s',
  ])
})

test('what may differ between zones is said by kinds that may', () => {
  for (const [kind, sync] of Object.entries({
    Workload: 'zone',
    MeshExternalService: 'both',
    HostnameGenerator: 'both',
    MeshOpenTelemetryBackend: 'both',
    Config: 'none',
  })) {
    assert.equal(kindByName(kind)?.sync, sync, kind)
  }
})
