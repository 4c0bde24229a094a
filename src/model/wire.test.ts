import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Resource } from './resource.ts'
import { fromWire, toWire } from './wire.ts'

/** `null` = accepted, else every violation as `field: reason`. */
function check(json: unknown, expected: readonly string[] | null): void {
  const read = fromWire(json, { strict: true })
  const actual = read.kind === 'ok' ? null : read.violations.map(({ field, reason }) => `${field}: ${reason}`)
  assert.deepEqual(actual, expected)
}

const aDataplane = (networking: object) => ({
  type: 'Dataplane',
  mesh: 'default',
  name: 'web-1',
  networking: { address: '10.0.0.1', ...networking },
})
const aService = (spec: object) => ({ type: 'MeshService', mesh: 'default', name: 'redis', spec })
const aRoute = (to: object, targetRef?: object) => ({
  type: 'MeshHTTPRoute',
  mesh: 'default',
  name: 'route',
  spec: { targetRef, to: [to] },
})
const aStrategy = (kind: string, conf: object) => ({
  type: 'MeshLoadBalancingStrategy',
  mesh: 'default',
  name: 'mlbs',
  spec: { to: [{ targetRef: { kind, labels: { app: 'web' } }, default: conf }] },
})

const stored = { creationTime: '2026-01-01T00:00:00.000Z', modificationTime: '2026-01-02T00:00:00.000Z', revision: 7 }

test('a flat kind has its spec beside the envelope', () => {
  const json = { ...aDataplane({ inbound: [{ port: 8080, name: 'http', protocol: 'http' }] }), labels: { app: 'web' } }
  const read = fromWire(json, { strict: true })
  assert.ok(read.kind === 'ok')

  assert.deepEqual(read.draft, {
    kind: 'Dataplane',
    mesh: 'default',
    name: 'web-1',
    labels: { app: 'web' },
    spec: { networking: json.networking },
  })
  assert.deepEqual(toWire({ ...read.draft, ...stored }), {
    ...json,
    creationTime: stored.creationTime,
    modificationTime: stored.modificationTime,
    kri: 'kri_dp_default___web-1_',
  })
})

test('a service shows its KRI, its SNIs and its status', () => {
  const labels = { 'kuma.io/display-name': 'redis', 'kuma.io/zone': 'default' }
  const spec = { ports: [{ port: 6379, appProtocol: 'tcp' }] }
  const resource: Resource = { kind: 'MeshService', mesh: 'default', name: 'redis', labels, spec, ...stored }

  assert.deepEqual(toWire(resource), {
    type: 'MeshService',
    mesh: 'default',
    name: 'redis',
    creationTime: stored.creationTime,
    modificationTime: stored.modificationTime,
    labels,
    kri: 'kri_msvc_default_default__redis_',
    snis: [{ port: 6379, sni: 'sni.msvc.default.default.redis.6379' }],
    spec,
    status: { tls: {}, dataplaneProxies: {} },
  })
})

test('what the API answered can be sent back unchanged', () => {
  const resource: Resource = {
    kind: 'MeshService',
    mesh: 'default',
    name: 'redis',
    labels: {},
    spec: { state: 'Available', selector: {}, ports: [{ port: 6379, targetPort: 6379, appProtocol: 'tcp' }] },
    status: { dataplaneProxies: { total: 3 } },
    ...stored,
  }
  const read = fromWire(toWire(resource), { strict: true })

  assert.ok(read.kind === 'ok')
  assert.deepEqual(read.draft.spec, resource.spec)
  assert.equal(read.draft.status, undefined, 'a status is written by control planes only')
})

test('a peer may be newer: what it knows more is dropped, and its status is kept', () => {
  const json = {
    ...aService({ ports: [{ port: 6379, novel: true }] }),
    name: 'redis-2v6wfvvcvbc9f55d',
    status: { dataplaneProxies: { total: 3, novel: 1 } },
    novel: 1,
  }
  const read = fromWire(json, { strict: false })

  assert.ok(read.kind === 'ok')
  assert.deepEqual([read.draft.spec, read.draft.status], [{ ports: [{ port: 6379 }] }, { dataplaneProxies: { total: 3 } }])
})

test('absent and null mean the same, absent and empty do not', () => {
  const identity = (selector: unknown) => ({
    type: 'MeshIdentity',
    mesh: 'default',
    name: 'id',
    spec: { selector, provider: { type: 'Bundled' } },
  })
  const specOf = (json: unknown) => {
    const read = fromWire(json, { strict: true })
    return read.kind === 'ok' ? read.draft.spec : read
  }

  assert.deepEqual(specOf(identity(null)), { provider: { type: 'Bundled' } })
  assert.deepEqual(specOf(identity({ dataplane: { matchLabels: {} } })), {
    selector: { dataplane: { matchLabels: {} } },
    provider: { type: 'Bundled' },
  })
})

test('unknown fields are refused with their place and a guess', () => {
  check(aDataplane({ inbound: [{ port: 80, tags: {} }], adress: 'x' }), [
    'networking.inbound[0].tags: unknown field',
    'networking.adress: unknown field; did you mean "address"?',
  ])
  check({ ...aService({}), stauts: {}, ports: [] }, [
    'stauts: unknown field; did you mean "status"?',
    'ports: unknown field: it belongs under spec',
  ])
  check(aService({ selector: { dataplaneTags: { app: 'redis' } } }), ['spec.selector.dataplaneTags: unknown field'])
})

test('every violation is reported at once, with its path', () => {
  check(
    {
      type: 'MeshTrafficPermission',
      mesh: '',
      name: 'Bad_Name',
      labels: { '-': 'x', n: 1 },
      spec: { targetRef: { kind: 'MeshSubset' }, from: [] },
    },
    [
      "name: invalid characters. A lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      'mesh: cannot be empty',
      'labels["n"]: must be a string: put it in quotes',
      `labels["-"]: a label's name must consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character; a DNS subdomain and '/' may stand before it`,
      'spec.rules: must be defined',
      'spec.targetRef.kind: "kind" must be one of ["Mesh", "Dataplane"]',
      'spec.from: unknown field',
    ],
  )
})

test('the flat kinds take the names that their fields have in protos', () => {
  const transparent = { redirect_port_inbound: 15006, redirect_port_outbound: 15001, reachable_backends: { refs: [] } }
  const read = fromWire(aDataplane({ inbound: [{ port: 80, service_port: 8080 }], transparent_proxying: transparent }), { strict: true })

  assert.ok(read.kind === 'ok')
  assert.deepEqual(read.draft.spec, {
    networking: {
      address: '10.0.0.1',
      inbound: [{ port: 80, servicePort: 8080 }],
      transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15001, reachableBackends: { refs: [] } },
    },
  })
  check(aDataplane({ inbound: [{ port: 80, service_port: 1, servicePort: 2 }] }), [
    'networking.inbound[0].service_port: unknown field; did you mean "servicePort"?',
  ])
  check(aService({ app_protocol: 1 }), ['spec.app_protocol: unknown field'])
})

test('a wrong type is named', () => {
  check(aDataplane({ inbound: [{ port: '8080' }] }), ['networking.inbound[0].port: must be an integer, not "8080"'])
  check(aDataplane({ inbound: { port: 8080 } }), ['networking.inbound: must be a list, not an object'])
  check(aDataplane({ inbound: [{ port: 70000 }] }), ['networking.inbound[0].port: port must be in the range [1, 65535]'])
  check(aDataplane({ inbound: [{ port: 80, name: 8080 }] }), ['networking.inbound[0].name: must be a string, not 8080: put it in quotes'])
  check(aDataplane({ inbound: [{ port: 80, serviceProbe: { interval: '5' } }] }), [
    'networking.inbound[0].serviceProbe.interval: must be a duration like 250ms, 1.5s or 1h30m',
  ])
  check(aService({ ports: [{ port: 80, targetPort: true }] }), ['spec.ports[0].targetPort: must be an integer or a string'])
  check(aService({ ports: [{ port: 80, appProtocol: 'htpp' }] }), [
    'spec.ports[0].appProtocol: "appProtocol" must be one of ["tcp", "http", "http2", "grpc", "tls"]; did you mean "http"?',
  ])
  check({ type: 'Zone', name: 'east', enabled: 'yes' }, ['enabled: must be true or false, not "yes"'])
  check({ type: 'Zone', name: 'east', mesh: 'default' }, ['mesh: must not be set: a Zone belongs to no mesh'])
})

test('a type that is not there is guessed, and the Kubernetes form is recognised', () => {
  check({ name: 'x' }, ['type: must be set'])
  check({ type: 'MeshServce', name: 'x' }, ['type: unknown type "MeshServce"; did you mean "MeshService"?'])
  check({ apiVersion: 'kuma.io/v1alpha1', kind: 'MeshService', metadata: {} }, [
    'type: must be set: this is the Kubernetes form; write type, mesh, name and labels at the top instead of apiVersion, kind and metadata',
  ])
  check([], [': must be an object with type, name and the fields of its type'])
  assert.match(reasonOf({ type: 'toString', name: 'x' }), /^unknown type "toString"; there are Mesh, Zone, /)
})

function reasonOf(json: unknown): string {
  const read = fromWire(json, { strict: true })
  return read.kind === 'invalid' ? (read.violations[0]?.reason ?? '') : ''
}

test("names of services are DNS labels, in Kuma's words", () => {
  const label =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
  check({ ...aService({}), name: 'aa.a' }, [`name: ${label}`])
  check({ ...aService({}), name: 'a'.repeat(64) }, ['name: must be no more than 63 characters'])
  check({ ...aService({}), name: '' }, ['name: cannot be empty'])
  check({ ...aService({}), labels: { 'kuma.io/workload': 'Web' } }, [`labels["kuma.io/workload"]: ${label}`])
})

test('a Dataplane needs something to do, and its ports must be its own', () => {
  check(aDataplane({}), ['networking: has to contain at least one inbound interface or gateway; or a listener'])
  check(aDataplane({ gateway: { type: 'BUILTIN' } }), null)
  check(aDataplane({ inbound: [{ port: 80 }, { port: 81 }] }), null)
  check(aDataplane({ inbound: [{ port: 80 }, { port: 81, name: '80' }] }), [
    'networking.inbound[1].name: "80" is the name of an earlier inbound; an inbound without a name is called by its port',
  ])
  check(aDataplane({ inbound: [{ port: 80 }], outbound: [{ port: 9000, backendRef: { name: 'a' } }], httpProxy: { port: 9000 } }), [
    'networking.httpProxy.port: an outbound has this port',
  ])
  check(aDataplane({ inbound: [{ port: 80 }], outbound: [{ port: 9000, backendRef: { port: 80 } }] }), [
    'networking.outbound[0].backendRef: must have either a name or labels',
  ])
})

test('hostnames belong to gateway routes', () => {
  const rules = [
    {
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      default: { backendRefs: [{ kind: 'MeshService', labels: { app: 'web' } }] },
    },
  ]
  check(
    aRoute({ targetRef: { kind: 'Mesh' }, hostnames: ['shop.example.com'], rules }, { kind: 'MeshGateway', labels: { app: 'edge' } }),
    null,
  )
  check(aRoute({ targetRef: { kind: 'MeshService', labels: { app: 'web' } }, rules }), null)
  check(aRoute({ targetRef: { kind: 'MeshService', labels: { app: 'web' } }, hostnames: ['a'], rules }), [
    'spec.to[0].hostnames: must not be defined; only a route whose targetRef is a MeshGateway has hostnames',
  ])
  check(aRoute({ targetRef: { kind: 'Mesh' }, rules }), [
    "spec.to[0].targetRef.kind: value 'Mesh' is not supported; use one of MeshService, MeshExternalService, MeshMultiZoneService",
  ])
  check(aRoute({ targetRef: { kind: 'Mesh' }, rules: [{ matches: [{}], default: {} }] }, { kind: 'MeshGateway' }), [
    'spec.to[0].rules[0].default.backendRefs: must not be empty; a gateway has no service of its own to fall back to',
  ])
})

test('a header of a route cannot smuggle in another one', () => {
  const rule = (filter: object) =>
    aRoute({ targetRef: { kind: 'MeshService', labels: { app: 'web' } }, rules: [{ matches: [{}], default: { filters: [filter] } }] })
  const set = (name: string, value: string) => rule({ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name, value }] } })
  const at = 'spec.to[0].rules[0].default.filters[0]'

  check(set('x-team', 'pay\tments'), null)
  check(set('x-team', 'a\r\nx-admin: 1'), [
    `${at}.requestHeaderModifier.set[0].value: must be a text without line breaks and control characters`,
  ])
  check(set('x team', 'a'), [`${at}.requestHeaderModifier.set[0].name: must be a header name in lower case`])
  check(rule({ type: 'Redirect' }), [
    `${at}.type: "type" must be one of ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror"]`,
  ])
})

test('failover needs a service of several zones', () => {
  const conf = (to: object) => ({ localityAwareness: { crossZone: { failover: [{ to }] } } })
  const at = 'spec.to[0].default.localityAwareness.crossZone'

  check(aStrategy('MeshMultiZoneService', conf({ type: 'Only', zones: ['aws-1'] })), null)
  check(aStrategy('MeshMultiZoneService', conf({ type: 'Only' })), [`${at}.failover[0].to.zones: must not be empty when type is Only`])
  check(aStrategy('MeshMultiZoneService', conf({ type: 'Any', zones: ['a'] })), [
    `${at}.failover[0].to.zones: must be empty when type is Any`,
  ])
  check(aStrategy('MeshService', conf({ type: 'Any' })), [
    `${at}: crossZone is only supported when targetRef.kind is MeshMultiZoneService; a MeshService is of one zone`,
  ])
  check(aStrategy('MeshMultiZoneService', { localityAwareness: { crossZone: { failoverThreshold: { percentage: '0' } } } }), [
    `${at}.failoverThreshold.percentage: must be greater than 0`,
  ])
})

test('keys that objects inherit are ordinary keys', () => {
  const labels = JSON.parse('{"__proto__": "x", "constructor": "y"}')
  const read = fromWire({ ...aService({}), labels }, { strict: true })
  assert.ok(read.kind === 'invalid')
  assert.deepEqual(
    read.violations.map(({ field }) => field),
    ['labels["__proto__"]'],
  )
  check(JSON.parse('{"type": "MeshService", "mesh": "m", "name": "n", "spec": {"__proto__": {"ports": []}}}'), [
    'spec.__proto__: unknown field',
  ])
})
