import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importedTypes } from './kuma-2/import.ts'
import { importObjects, objectsOf, sample, specOf, type Told, told } from './test-support.ts'

const named = (name: string) => ({ 'kuma.io/display-name': name })
const exact = (zone: string, workload: string) => ({
  spiffeID: { type: 'Exact', value: `spiffe://default.${zone}.mesh.local/workload/${workload}` },
})

/** A YAML text becomes exactly these specs (by `kind/name@zone`), and of its fields these alone are not as they were. */
function check(
  yaml: string,
  specs: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, RegExp>> = {},
  zones: readonly string[] = ['east'],
): Told {
  const is = told(yaml, { zones })
  assert.deepEqual(Object.fromEntries(Object.entries(is.resources).map(([key, body]) => [key, specOf(body)])), specs)
  assert.deepEqual(Object.keys(is.changes).sort(), Object.keys(changes).sort())
  for (const [field, pattern] of Object.entries(changes)) assert.match(is.changes[field]!, pattern)
  return is
}

test('the tags of a Dataplane become labels, its service a workload and its protocol a field', () => {
  const { resources } = check(
    `{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, inbound: [{port: 1000, servicePort: 80, tags: {kuma.io/service: web, kuma.io/protocol: http, kuma.io/zone: east, version: v1}}], outbound: [{port: 5000, tags: {kuma.io/service: backend}}]}}`,
    {
      'Dataplane/web-1@east': {
        networking: {
          address: '10.0.0.1',
          inbound: [{ port: 1000, servicePort: 80, protocol: 'http' }],
          outbound: [{ port: 5000, backendRef: { labels: named('backend') } }],
        },
      },
    },
  )
  assert.deepEqual(resources['Dataplane/web-1@east']!.labels, { 'kuma.io/workload': 'web', version: 'v1' })
})

test('a Dataplane of several services gets a MeshService for each, and a tag that differs between inbounds is said to be dropped', () => {
  const { resources } = check(
    `{type: Dataplane, mesh: default, name: db-1, networking: {address: 10.0.0.1, inbound: [{port: 1, tags: {kuma.io/service: db, v: a}}, {port: 2, name: stats, tags: {kuma.io/service: db-stats, v: b}}]}}`,
    {
      'Dataplane/db-1': { networking: { address: '10.0.0.1', inbound: [{ port: 1 }, { port: 2, name: 'stats' }] } },
      'MeshService/db': {
        selector: { dataplaneLabels: { matchLabels: { 'skerry.io/serves-db': 'true' } } },
        ports: [{ name: '1', port: 1, targetPort: 1, appProtocol: 'tcp' }],
      },
      'MeshService/db-stats': {
        selector: { dataplaneLabels: { matchLabels: { 'skerry.io/serves-db-stats': 'true' } } },
        ports: [{ name: 'stats', port: 2, targetPort: 'stats', appProtocol: 'tcp' }],
      },
    },
    {
      'db-1 networking.inbound[0].tags["kuma.io/service"]': /^approximated: as MeshService db,/,
      'db-1 networking.inbound[1].tags["kuma.io/service"]': /^approximated: as MeshService db-stats,/,
      'db-1 networking.inbound[1].tags.v': /^dropped: labels are of the whole Dataplane/,
    },
  )
  assert.deepEqual(resources['Dataplane/db-1']!.labels, {
    'kuma.io/workload': 'db',
    'skerry.io/serves-db': 'true',
    'skerry.io/serves-db-stats': 'true',
    v: 'a',
  })
})

test('reachableServices become reachableBackends, an advertised address the address, and metrics of a Dataplane a policy', () => {
  check(
    `{type: Dataplane, mesh: default, name: web-1, networking: {address: 10.0.0.1, advertisedAddress: 203.0.113.1, gateway: {type: DELEGATED, tags: {kuma.io/service: web}}, transparentProxying: {redirectPortInbound: 15006, redirect_port_outbound: 15001, reachableServices: [backend]}}, metrics: {type: prometheus, conf: {port: 1234}}, foo: 1}`,
    {
      'Dataplane/web-1': {
        networking: {
          address: '203.0.113.1',
          gateway: { type: 'DELEGATED' },
          transparentProxying: {
            redirectPortInbound: 15006,
            redirectPortOutbound: 15001,
            reachableBackends: { refs: [{ kind: 'MeshService', labels: named('backend') }] },
          },
        },
      },
      'MeshMetric/web-1-metrics': {
        targetRef: { kind: 'Dataplane', labels: named('web-1') },
        default: { backends: [{ type: 'Prometheus', prometheus: { port: 1234 } }] },
      },
    },
    { 'web-1 networking.address': /^approximated: replaced by advertisedAddress/, 'web-1 foo': /^dropped: unknown field$/ },
  )
})

test('a permission names callers by their identity in each zone, and is dropped where no identity says who they are', () => {
  const yaml = `{type: TrafficPermission, mesh: default, name: p, sources: [{match: {kuma.io/service: web}}, {match: {kuma.io/service: web, version: v2}}], destinations: [{match: {kuma.io/service: backend}}]}`
  const rules = (...zones: string[]) => ({
    targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'backend' } },
    rules: [{ default: { allow: zones.map(zone => exact(zone, 'web')) } }],
  })
  const dropped = { 'p sources[1].match["kuma.io/service"]': /^dropped: callers are known/, 'p sources[1].match.version': /^dropped: / }

  check(yaml, { 'MeshTrafficPermission/p': rules('east', 'west') }, dropped, ['west', 'east'])
  const withoutZones = told(yaml)

  assert.deepEqual(withoutZones.resources, {})
  assert.match(withoutZones.changes['p sources[0].match["kuma.io/service"]']!, /import again with --zones/)
})

test('from becomes allow and deny; a denial of everyone beside an allow is left to the default, unless another policy allows everyone', () => {
  const cart = `type: MeshTrafficPermission
mesh: default
name: cart
spec:
  targetRef: {kind: MeshServiceSubset, name: cart, tags: {version: v1}}
  from:
  - {targetRef: {kind: Mesh}, default: {action: Deny}}
  - {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}, default: {action: Allow}}
  - {targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}}, default: {action: AllowWithShadowDeny}}`
  const everyone =
    '{type: MeshTrafficPermission, mesh: default, name: all, spec: {from: [{targetRef: {kind: Mesh}, default: {action: ALLOW}}]}}'
  const deny = { default: { deny: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default.' } }] } }
  const rules = [
    { default: { allow: [exact('east', 'web')] } },
    { default: { allowWithShadowDeny: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default.east.mesh.local/' } }] } },
  ]
  const targetRef = { kind: 'Dataplane', labels: { 'kuma.io/workload': 'cart', version: 'v1' } }

  check(
    cart,
    { 'MeshTrafficPermission/cart': { targetRef, rules } },
    {
      'cart spec.from[0].targetRef.kind': /^approximated: left out/,
      'cart spec.from[0].default.action': /^approximated: left out/,
    },
  )
  const { resources } = told(`${cart}\n---\n${everyone}`, { zones: ['east'] })
  assert.deepEqual(specOf(resources['MeshTrafficPermission/cart']), { targetRef, rules: [deny, ...rules] })
})

test('a denial is never narrowed: where an identity does not say who was denied, the whole service is', () => {
  check(
    `{type: MeshTrafficPermission, mesh: default, name: d, spec: {from: [{targetRef: {kind: MeshSubset, tags: {kuma.io/service: web, version: v1}}, default: {action: Deny}}]}}`,
    { 'MeshTrafficPermission/d': { rules: [{ default: { deny: [exact('east', 'web')] } }] } },
    {
      'd spec.from[0].targetRef.kind': /^approximated: denied to all of web/,
      'd spec.from[0].targetRef.tags["kuma.io/service"]': /^approximated: /,
      'd spec.from[0].targetRef.tags.version': /^approximated: /,
      'd spec.from[0].default.action': /^approximated: /,
    },
  )
})

test('mtls becomes a MeshIdentity and a MeshTLS; a provided authority is referenced, and its certificate stays trusted for old identities', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const secret = `{type: Secret, mesh: default, name: c, data: ${Buffer.from(pem).toString('base64')}}`
  const mesh = `{type: Mesh, name: default, networking: {outbound: {passthrough: false}}, mtls: {enabledBackend: own, backends: [{name: own, type: provided, mode: PERMISSIVE, dpCert: {rotation: {expiration: 1d12h}}, conf: {cert: {secret: c}, key: {file: /key.pem}}}]}}`
  check(
    `${mesh}\n---\n${secret}`,
    {
      'Mesh/default': {},
      'Secret/c@east': { data: Buffer.from(pem).toString('base64') },
      'MeshIdentity/own': {
        selector: { dataplane: { matchLabels: {} } },
        provider: {
          type: 'Bundled',
          bundled: {
            meshTrustCreation: 'Enabled',
            ca: {
              certificate: { type: 'Secret', secretRef: { kind: 'Secret', name: 'c' } },
              privateKey: { type: 'File', file: { path: '/key.pem' } },
            },
            certificateParameters: { expiry: '24h12h' },
          },
        },
      },
      'MeshTrust/own-kuma-2@east': { trustDomain: 'default', caBundles: [{ type: 'Pem', pem: { value: pem } }] },
      'MeshTLS/zz-mesh': { rules: [{ default: { mode: 'Permissive' } }] },
      'MeshPassthrough/zz-mesh': { default: { passthroughMode: 'None' } },
    },
    {
      'default mtls.backends[0].conf.cert.secret': /^approximated: referenced/,
      'default mtls.backends[0].conf.key.file': /^approximated: referenced/,
    },
  )
  const vault = told('{type: Mesh, name: default, mtls: {enabledBackend: v, backends: [{name: v, type: vault, conf: {a: 1}}]}}')
  assert.match(vault.changes['default mtls.backends[0].conf.a']!, /^dropped: there is no authority of type vault/)
})

test('what a Mesh says gives way to every policy and identity that says it too', () => {
  const { resources } = told(`{type: Mesh, name: default, mtls: {enabledBackend: a, backends: [{name: a, type: builtin}]}}
---
{type: MeshIdentity, mesh: default, name: identity, spec: {selector: {dataplane: {matchLabels: {}}}}}
---
{type: MeshPassthrough, mesh: default, name: none, spec: {default: {passthroughMode: None}}}`)

  // The smaller name wins.
  for (const [kind, name] of [
    ['MeshIdentity', 'identity'],
    ['MeshPassthrough', 'none'],
  ])
    assert.equal(
      Object.keys(resources)
        .filter(key => key.startsWith(`${kind}/`))
        .sort()[0],
      `${kind}/${name}`,
    )
})

test('tracing, logging and metrics of a Mesh become policies of the mesh, or of those whom a TrafficTrace and a TrafficLog name', () => {
  const mesh = `{type: Mesh, name: default, networking: {outbound: {passthrough: true}}, tracing: {defaultBackend: z, backends: [{name: z, type: datadog, sampling: 12.5, conf: {address: dd, port: 8126}}]}, logging: {backends: [{name: f, type: file, conf: {path: /log}}]}, metrics: {enabledBackend: p, backends: [{name: p, type: prometheus, conf: {skipMTLS: true}}]}, routing: {localityAwareLoadBalancing: false}}`
  const trace = { backends: [{ type: 'Datadog', datadog: { url: 'http://dd:8126' } }], sampling: { overall: '12.5' } }
  const ofMesh = {
    'Mesh/default': {},
    'MeshPassthrough/zz-mesh': { default: { passthroughMode: 'All' } },
    'MeshMetric/zz-mesh': { default: { backends: [{ type: 'Prometheus', prometheus: { tls: { mode: 'Disabled' } } }] } },
    'MeshLoadBalancingStrategy/zz-mesh': { to: [{ targetRef: { kind: 'Mesh' }, default: { localityAwareness: { disabled: true } } }] },
  }
  const unused = /^dropped: no TrafficLog and no defaultBackend names it$/

  check(
    mesh,
    { ...ofMesh, 'MeshTrace/zz-mesh': { default: trace } },
    {
      'default logging.backends[0].name': unused,
      'default logging.backends[0].type': unused,
      'default logging.backends[0].conf.path': unused,
    },
  )
  check(
    `${mesh}
---
{type: TrafficTrace, mesh: default, name: t, selectors: [{match: {kuma.io/service: web}}]}
---
{type: TrafficLog, mesh: default, name: l, sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: backend}}], conf: {backend: f}}`,
    {
      ...ofMesh,
      'MeshTrace/t': { targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'web' } }, default: trace },
      'MeshAccessLog/l': {
        to: [
          {
            targetRef: { kind: 'MeshService', labels: named('backend') },
            default: { backends: [{ type: 'File', file: { path: '/log' } }] },
          },
        ],
      },
    },
  )
})

test('a zone ingress becomes a listener in each mesh, and where other zones reach it a MeshZoneAddress', () => {
  check(
    `{type: ZoneIngress, name: in, zone: east, networking: {address: 10.0.0.9, advertisedAddress: 203.0.113.9, port: 10001, advertisedPort: 443}, availableServices: [{tags: {kuma.io/service: web}, instances: 2}]}
---
{type: ZoneEgress, name: out, zone: east, networking: {address: 10.0.0.8, port: 10002, admin: {port: 9901}}}`,
    {
      'Dataplane/in@east': { networking: { address: '10.0.0.9', listeners: [{ type: 'ZoneIngress', address: '10.0.0.9', port: 10001 }] } },
      'MeshZoneAddress/in@east': { address: '203.0.113.9', port: 443 },
      'Dataplane/out@east': {
        networking: { address: '10.0.0.8', listeners: [{ type: 'ZoneEgress', address: '10.0.0.8', port: 10002 }], admin: { port: 9901 } },
      },
    },
  )
})

test('a service of several zones becomes a MeshMultiZoneService too, and what is said of it is said of both', () => {
  const dataplane = (name: string, zone: string) =>
    `{type: Dataplane, mesh: default, name: ${name}, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: api, kuma.io/protocol: http, kuma.io/zone: ${zone}, version: ${name}}}]}}`
  const { resources } = told(`${dataplane('a', 'east')}
---
${dataplane('b', 'west')}
---
{type: Timeout, mesh: default, name: t, sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: api}}], conf: {connectTimeout: 5s}}
---
{type: TrafficRoute, mesh: default, name: r, sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: api}}], conf: {split: [{weight: 9, destination: {kuma.io/service: api, version: a}}, {weight: 1, destination: {kuma.io/service: api}}]}}`)

  const destinations = [
    { kind: 'MeshService', labels: named('api') },
    { kind: 'MeshMultiZoneService', labels: named('api') },
  ]
  assert.deepEqual(specOf(resources['MeshMultiZoneService/api']), {
    selector: { meshService: { matchLabels: named('api') } },
    ports: [{ name: '80', port: 80, appProtocol: 'http' }],
  })
  assert.deepEqual(specOf(resources['MeshTimeout/t']), {
    to: destinations.map(targetRef => ({ targetRef, default: { connectionTimeout: '5s' } })),
  })
  assert.deepEqual(specOf(resources['MeshService/api-a@east']), {
    selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': 'api', version: 'a' } } },
    ports: [{ name: '80', port: 80, targetPort: 80, appProtocol: 'http' }],
  })
  const backendRefs = [
    { kind: 'MeshService', labels: named('api-a'), port: 80, weight: 9 },
    { kind: 'MeshMultiZoneService', labels: named('api'), port: 80, weight: 1 },
  ]
  assert.deepEqual(specOf(resources['MeshHTTPRoute/r']), {
    to: destinations.map(targetRef => ({
      targetRef,
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: { backendRefs } }],
    })),
  })
  assert.equal(resources['MeshTCPRoute/r'], undefined)
})

test('a policy with to and from becomes two where one may have only either', () => {
  check(
    `{type: MeshTimeout, mesh: default, name: t, spec: {targetRef: {kind: MeshSubset, tags: {app: a}}, to: [{targetRef: {kind: MeshService, name: b, namespace: n, sectionName: http}, default: {connectionTimeout: 2s}}], from: [{targetRef: {kind: Mesh}, default: {idleTimeout: 1h}}]}}`,
    {
      'MeshTimeout/t': {
        targetRef: { kind: 'Dataplane', labels: { app: 'a' } },
        to: [
          {
            targetRef: { kind: 'MeshService', labels: { ...named('b'), 'k8s.kuma.io/namespace': 'n' }, sectionName: 'http' },
            default: { connectionTimeout: '2s' },
          },
        ],
      },
      'MeshTimeout/t-inbound': { targetRef: { kind: 'Dataplane', labels: { app: 'a' } }, rules: [{ default: { idleTimeout: '1h' } }] },
    },
  )
})

test('an item that is invalid here is dropped alone, with the reason of the validation', () => {
  check(
    `{type: MeshRetry, mesh: default, name: r, spec: {to: [{targetRef: {kind: Mesh}, default: {http: {retryOn: [never]}}}, {targetRef: {kind: Mesh}, default: {http: {numRetries: 1}}}]}}`,
    { 'MeshRetry/r': { to: [{ targetRef: { kind: 'Mesh' }, default: { http: { numRetries: 1 } } }] } },
    {
      'r spec.to[0].targetRef.kind': /unknown item 'never'/,
      'r spec.to[0].default.http.retryOn[0]': /^dropped: MeshRetry spec\.to\[0\]\.default\.http\.retryOn\[0\]: unknown item 'never'$/,
    },
  )
})

test('hash policies leave the load balancer, and other zones are for a MeshMultiZoneService', () => {
  check(
    `{type: MeshLoadBalancingStrategy, mesh: default, name: l, spec: {to: [{targetRef: {kind: MeshService, name: b}, default: {localityAwareness: {crossZone: {failover: [{to: {type: Any}}]}}, loadBalancer: {type: Maglev, maglev: {tableSize: 7, hashPolicies: [{type: SourceIP}]}}}}]}}`,
    {
      'MeshLoadBalancingStrategy/l': {
        to: [
          {
            targetRef: { kind: 'MeshMultiZoneService', labels: named('b') },
            default: {
              localityAwareness: { crossZone: { failover: [{ to: { type: 'Any' } }] } },
              loadBalancer: { type: 'Maglev', maglev: { tableSize: 7 } },
              hashPolicies: [{ type: 'Connection', connection: { sourceIP: true } }],
            },
          },
        ],
      },
    },
    { 'l spec.to[0].targetRef.name': /^approximated: as MeshMultiZoneService b/ },
  )
})

test("a collector's endpoint becomes a MeshOpenTelemetryBackend", () => {
  check(
    `{type: MeshTrace, mesh: default, name: t, spec: {default: {backends: [{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}]}}}`,
    {
      'MeshOpenTelemetryBackend/otel-otel-4317': { endpoint: { address: 'otel', port: 4317 }, protocol: 'grpc' },
      'MeshTrace/t': {
        default: {
          backends: [
            { type: 'OpenTelemetry', openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', labels: named('otel-otel-4317') } } },
          ],
        },
      },
    },
  )
})

test('fault injection and rate limit become rules for their callers', () => {
  const selectors = `sources: [{match: {kuma.io/service: web, kuma.io/protocol: http}}], destinations: [{match: {kuma.io/service: api, kuma.io/protocol: http}}]`
  const of = (conf: object) => ({
    targetRef: { kind: 'Dataplane', labels: { 'kuma.io/workload': 'api' } },
    rules: [{ matches: [exact('east', 'web')], default: conf }],
  })
  check(
    `{type: FaultInjection, mesh: default, name: f, ${selectors}, conf: {delay: {percentage: 50.5, value: 5s}, responseBandwidth: {limit: 50mbps, percentage: 1}}}
---
{type: RateLimit, mesh: default, name: l, ${selectors}, conf: {http: {requests: 5, interval: 10s, onRateLimit: {status: 423, headers: [{key: X-A, value: b, append: true}]}}}}`,
    {
      'MeshFaultInjection/f': of({
        http: [{ delay: { value: '5s', percentage: '50.5' }, responseBandwidth: { limit: '50Mbps', percentage: 1 } }],
      }),
      'MeshRateLimit/l': of({
        local: {
          http: { requestRate: { num: 5, interval: '10s' }, onRateLimit: { status: 423, headers: { add: [{ name: 'x-a', value: 'b' }] } } },
        },
      }),
    },
  )
})

test('an ExternalService becomes a MeshExternalService of the name of its service, and what names that service means it', () => {
  check(
    `{type: ExternalService, mesh: default, name: stripe-1, tags: {kuma.io/service: stripe, kuma.io/protocol: http}, networking: {address: 'api.stripe.com:443', tls: {enabled: true, server_name: api.stripe.com, caCert: {inline: Y2E=}}}}
---
{type: MeshTimeout, mesh: default, name: t, spec: {to: [{targetRef: {kind: MeshService, name: stripe}, default: {connectionTimeout: 2s}}]}}`,
    {
      'MeshExternalService/stripe': {
        match: { type: 'HostnameGenerator', port: 443, protocol: 'http' },
        endpoints: [{ address: 'api.stripe.com', port: 443 }],
        tls: {
          enabled: true,
          verification: { serverName: 'api.stripe.com', caCert: { type: 'InsecureInline', insecureInline: { value: 'ca' } } },
        },
      },
      'MeshTimeout/t': {
        to: [{ targetRef: { kind: 'MeshExternalService', labels: named('stripe') }, default: { connectionTimeout: '2s' } }],
      },
    },
  )
})

test("names of a gateway's listeners are what routes select them by", () => {
  const { resources } =
    told(`{type: MeshGateway, mesh: default, name: edge, selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 80, protocol: HTTP, tags: {side: a}}, {port: 81, protocol: HTTP, tags: {side: b}}]}}
---
{type: MeshGatewayRoute, mesh: default, name: r, selectors: [{match: {kuma.io/service: edge, side: b}}], conf: {http: {rules: [{matches: [{path: {match: PREFIX, value: /a/}}], backends: [{destination: {kuma.io/service: web}}]}]}}}`)

  assert.deepEqual(specOf(resources['MeshHTTPRoute/r']), {
    targetRef: { kind: 'MeshGateway', labels: named('edge'), sectionName: 'port-81' },
    to: [
      {
        targetRef: { kind: 'Mesh' },
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/a' } }],
            default: { backendRefs: [{ kind: 'MeshService', labels: named('web'), weight: 1 }] },
          },
        ],
      },
    ],
  })
})

test('no selector that cannot be said here becomes a wider one', () => {
  for (const targetRef of [
    '{kind: MeshSubset, tags: {version: "*"}}',
    '{kind: MeshSubset, tags: {kuma.io/protocol: http}}',
    '{kind: Mesh, proxyTypes: [Gateway]}',
    '{kind: MeshGateway, name: unknown}',
  ]) {
    const { resources, changes } = told(
      `{type: MeshTimeout, mesh: default, name: t, spec: {targetRef: ${targetRef}, to: [{targetRef: {kind: Mesh}, default: {connectionTimeout: 2s}}]}}`,
    )
    assert.deepEqual(resources, {}, targetRef)
    assert.match(changes['t spec.to[0].default.connectionTimeout']!, /^dropped: /)
  }
})

test('names that are none here are changed the same way everywhere', () => {
  const { resources, changes } = told(
    `{type: TrafficPermission, mesh: default, name: Web_to_API, sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: My_API}}]}`,
  )
  assert.deepEqual(Object.keys(resources), ['MeshTrafficPermission/web-to-api'])
  assert.match(changes['Web_to_API name']!, /^approximated: named web-to-api/)
  assert.match(changes['Web_to_API destinations[0].match["kuma.io/service"]']!, /^approximated: as workload my-api/)
})

test('every type that is imported is in a sample, or is the same kind here', () => {
  const files = ['two-zones.yaml', 'policies.yaml', 'gateway.yaml', 'kubernetes.yaml']
  const seen = new Set(importObjects(files.flatMap(sample)).reports.map(({ type }) => type))
  const same = [
    'GlobalSecret',
    'MeshExternalService',
    'HostnameGenerator',
    'MeshIdentity',
    'MeshTrust',
    'MeshOpenTelemetryBackend',
    'MeshZoneAddress',
  ]
  assert.deepEqual(
    importedTypes.filter(type => !seen.has(type)),
    same,
  )
})

test('an object that is of no type of Kuma is dropped with every field, and the others are imported', () => {
  const { resources, reports } = importObjects(objectsOf('{type: MeshOPA, name: a, spec: {b: [1, {}]}}\n---\n{type: Zone, name: east}'))

  assert.deepEqual(
    resources.map(({ body }) => body),
    [{ type: 'Zone', name: 'east' }],
  )
  assert.deepEqual(
    reports[0]!.fields.map(({ field, outcome }) => `${field} ${outcome}`),
    ['type dropped', 'name dropped', 'spec.b[0] dropped', 'spec.b[1] dropped'],
  )
})
