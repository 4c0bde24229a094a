import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSpec } from '../validate.ts'
import { kindByName, kinds } from './index.ts'

/** What is wrong with a spec, as `field: reason` without `spec.` and without the help after a semicolon. */
function problems(kind: string, spec: object): string[] {
  return checkSpec(kindByName(kind)!, spec).violations.map(
    ({ field, reason }) => `${field.replace(/^spec[.]?/, '')}: ${reason.split('; ')[0]}`,
  )
}

const backend = { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } }
const to = (conf: object, targetRef: object = backend) => ({ to: [{ targetRef, default: conf }] })
const rules = (conf: object) => ({ rules: [{ default: conf }] })

test('policies are applied in the order that Kuma has registered', () => {
  const inOrder = kinds
    .flatMap(kind => (kind.policy ? [{ kind: kind.kind, order: kind.policy.order }] : []))
    .toSorted((a, b) => a.order - b.order)

  assert.deepEqual(
    inOrder.map(({ kind, order }) => `${order} ${kind}`),
    [
      '100 MeshHTTPRoute',
      '200 MeshTCPRoute',
      '300 MeshTLS',
      '400 MeshLoadBalancingStrategy',
      '500 MeshPassthrough',
      '600 MeshAccessLog',
      '700 MeshTrace',
      '800 MeshFaultInjection',
      '900 MeshRateLimit',
      '1000 MeshTimeout',
      '1100 MeshTrafficPermission',
      '1200 MeshHealthCheck',
      '1300 MeshCircuitBreaker',
      '1400 MeshRetry',
      '1500 MeshMetric',
      '9999 MeshProxyPatch',
    ],
  )
})

test('a policy says where a targetRef may stand, and of which kind', () => {
  const toKinds = ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute']
  const policyOf = (kind: string) => kindByName(kind)?.policy

  assert.deepEqual(policyOf('MeshTimeout'), { order: 1000, to: true, rules: true, topKinds: ['Mesh', 'Dataplane'], toKinds })
  assert.deepEqual(policyOf('MeshTLS'), { order: 300, to: false, rules: true, topKinds: ['Mesh', 'Dataplane'], toKinds: [] })
  assert.deepEqual(policyOf('MeshHTTPRoute')?.topKinds, ['Mesh', 'Dataplane', 'MeshGateway'])
})

test('every policy refuses references that select nothing or say too much', () => {
  const labelsMissing = (kind: string) => `to[0].targetRef.labels: must be set when kind is ${kind}`
  for (const kind of ['MeshService', 'MeshMultiZoneService', 'MeshExternalService', 'MeshHTTPRoute']) {
    assert.deepEqual(problems('MeshHealthCheck', to({ tcp: {} }, { kind })), [labelsMissing(kind)])
  }
  assert.deepEqual(problems('MeshHealthCheck', to({ tcp: {} }, { kind: 'Mesh', labels: { a: 'b' }, sectionName: 'x' })), [
    'to[0].targetRef.labels: must not be set with kind Mesh',
    'to[0].targetRef.sectionName: must not be set with kind Mesh',
  ])
  assert.deepEqual(problems('MeshHealthCheck', to({ tcp: {} }, { ...backend, kind: 'MeshExternalService', sectionName: '80' })), [
    'to[0].targetRef.sectionName: must not be set with kind MeshExternalService',
  ])
  assert.deepEqual(problems('MeshHealthCheck', { targetRef: { kind: 'Dataplane', sectionName: 'http' }, ...to({ tcp: {} }) }), [
    'targetRef.sectionName: can only be used with inbound policies',
  ])
  assert.deepEqual(problems('MeshHealthCheck', to({ tcp: {} }, { kind: 'MeshSubset' })), [
    'to[0].targetRef.kind: "kind" must be one of ["Mesh", "MeshService", "MeshExternalService", "MeshMultiZoneService", "MeshHTTPRoute"]',
  ])
})

test('a rule is for callers that can exist', () => {
  const timeout = (match: object) => ({ rules: [{ matches: [match], default: { idleTimeout: '1s' } }] })

  assert.deepEqual(problems('MeshTimeout', timeout({ spiffeID: { type: 'Prefix', value: 'spiffe://default.east.mesh.local/' } })), [])
  assert.match(
    problems('MeshTimeout', timeout({ spiffeID: { type: 'Exact', value: 'web' } }))[0] ?? '',
    /^rules\[0\].matches\[0\].spiffeID: must be a valid Spiffe ID: /,
  )
  assert.deepEqual(problems('MeshTimeout', timeout({ sni: { type: 'Exact', value: '' } })), [
    'rules[0].matches[0].sni.value: must not be empty',
  ])
})

test('MeshTimeout', () => {
  assert.deepEqual(problems('MeshTimeout', {}), [": at least one of 'to' or 'rules' has to be defined"])
  assert.deepEqual(problems('MeshTimeout', { ...to({ idleTimeout: '1s' }), ...rules({ idleTimeout: '1s' }) }), [
    ": 'to' must be empty when 'rules' is defined",
  ])
  assert.deepEqual(problems('MeshTimeout', to({})), ['to[0].default: at least one timeout should be configured'])
  assert.deepEqual(problems('MeshTimeout', { to: [{ targetRef: backend }] }), ['to[0].default: at least one timeout should be configured'])
  assert.deepEqual(problems('MeshTimeout', to({ http: {} })), [
    'to[0].default.http: at least one timeout in this section should be configured',
  ])
  assert.deepEqual(
    problems('MeshTimeout', to({ connectionTimeout: '-1s', idleTimeout: '0s', http: { requestTimeout: '-10s', streamIdleTimeout: '0s' } })),
    [
      'to[0].default.connectionTimeout: must be greater than zero when defined',
      'to[0].default.http.requestTimeout: must not be negative when defined',
    ],
  )
  assert.deepEqual(problems('MeshTimeout', to({ connectionTimeout: '1s' }, { kind: 'MeshHTTPRoute', labels: { app: 'x' } })), [
    "to[0].default.connectionTimeout: can't be specified when targetRef is referencing MeshHTTPRoute",
  ])
})

test('MeshRetry', () => {
  assert.deepEqual(problems('MeshRetry', {}), ['to: needs at least one item'])
  assert.deepEqual(problems('MeshRetry', to({})), ["to[0].default: at least one of the 'tcp', 'http', 'grpc' must be specified"])
  assert.deepEqual(problems('MeshRetry', to({ tcp: {}, http: {}, grpc: {} })), [
    'to[0].default.tcp: must not be empty',
    'to[0].default.http: must not be empty',
    'to[0].default.grpc: must not be empty',
  ])
  assert.deepEqual(
    problems(
      'MeshRetry',
      to({ http: { retryOn: ['5XX', '503', 'HttpMethodGet', 'x'], backOff: {}, rateLimitedBackOff: { maxInterval: '0s' } } }),
    ),
    [
      'to[0].default.http.backOff: must not be empty',
      'to[0].default.http.rateLimitedBackOff.maxInterval: must be greater than zero when defined',
      'to[0].default.http.rateLimitedBackOff.resetHeaders: must be defined',
      "to[0].default.http.retryOn[3]: unknown item 'x'",
    ],
  )
  const predicates = [
    { predicate: 'OmitHostsWithTags' },
    { predicate: 'OmitPreviousPriorities' },
    { predicate: 'OmitPreviousPriorities', updateFrequency: 0 },
  ]
  assert.deepEqual(problems('MeshRetry', to({ http: { hostSelection: predicates } })), [
    'to[0].default.http.hostSelection[2].predicate: OmitPreviousPriorities must only be specified once',
    'to[0].default.http.hostSelection[0].tags: must be defined',
    'to[0].default.http.hostSelection[2].updateFrequency: must be defined and greater than zero',
  ])
})

test('MeshCircuitBreaker', () => {
  assert.deepEqual(problems('MeshCircuitBreaker', to({})), [
    "to[0].default: at least one of: 'connectionLimits' or 'outlierDetection' should be configured",
  ])
  assert.deepEqual(
    problems('MeshCircuitBreaker', { ...to({ connectionLimits: { maxRequests: 1 } }), ...rules({ connectionLimits: { maxRetries: 0 } }) }),
    ['rules[0].default.connectionLimits.maxRetries: must be greater than 0'],
  )
  assert.deepEqual(problems('MeshCircuitBreaker', to({ outlierDetection: { interval: '0s', maxEjectionPercent: 101 } })), [
    'to[0].default.outlierDetection.interval: must be greater than zero when defined',
    'to[0].default.outlierDetection.maxEjectionPercent: must be in inclusive range [0, 100]',
    'to[0].default.outlierDetection.detectors: must be defined',
  ])
  assert.deepEqual(problems('MeshCircuitBreaker', to({ outlierDetection: { detectors: {} } })), [
    'to[0].default.outlierDetection.detectors: must have at least one defined: totalFailures, gatewayFailures, localOriginFailures, successRate, failurePercentage',
  ])
  const detectors = {
    totalFailures: { consecutive: 0 },
    successRate: { minimumHosts: 0, standardDeviationFactor: '0' },
    failurePercentage: { threshold: 120 },
  }
  assert.deepEqual(problems('MeshCircuitBreaker', to({ outlierDetection: { detectors } })), [
    'to[0].default.outlierDetection.detectors.totalFailures.consecutive: must be greater than 0',
    'to[0].default.outlierDetection.detectors.successRate.minimumHosts: must be greater than 0',
    'to[0].default.outlierDetection.detectors.successRate.standardDeviationFactor: must be greater than 0',
    'to[0].default.outlierDetection.detectors.failurePercentage.threshold: must be in inclusive range [0, 100]',
  ])
})

test('MeshHealthCheck', () => {
  assert.deepEqual(problems('MeshHealthCheck', to({})), ['to[0].default: must have at least one defined: http, tcp, grpc'])
  const conf = {
    interval: '0s',
    unhealthyThreshold: -1,
    intervalJitterPercent: 130,
    eventLogPath: 'log',
    http: { path: '', expectedStatuses: [200, 99] },
  }
  assert.deepEqual(problems('MeshHealthCheck', to(conf)), [
    'to[0].default.interval: must be greater than zero when defined',
    'to[0].default.unhealthyThreshold: must be greater than zero when defined',
    'to[0].default.intervalJitterPercent: must be in inclusive range [0, 100]',
    'to[0].default.eventLogPath: must be a valid path when defined',
    'to[0].default.http.path: must be defined',
    'to[0].default.http.expectedStatuses[1]: must be in inclusive range [100, 599]',
  ])
})

test('MeshRateLimit', () => {
  assert.deepEqual(problems('MeshRateLimit', rules({})), ['rules[0].default.local: must be defined'])
  assert.deepEqual(problems('MeshRateLimit', rules({ local: {} })), ['rules[0].default.local: must have at least one defined: tcp, http'])
  assert.deepEqual(problems('MeshRateLimit', rules({ local: { tcp: {}, http: {} } })), [
    'rules[0].default.local.http: must have at least one defined: disabled, requestRate, onRateLimit',
    'rules[0].default.local.tcp: must have at least one defined: disabled, connectionRate',
  ])
  assert.deepEqual(problems('MeshRateLimit', rules({ local: { http: { requestRate: { num: 0, interval: '10ms' } } } })), [
    'rules[0].default.local.http.requestRate.num: must be greater than 0',
    'rules[0].default.local.http.requestRate.interval: must be greater than: 50ms',
  ])
})

test('MeshFaultInjection', () => {
  const http = [
    { abort: { httpStatus: 99, percentage: 101 } },
    { delay: { value: '-1s', percentage: '-5' }, responseBandwidth: { limit: '100Xbps', percentage: '50' } },
  ]
  assert.deepEqual(problems('MeshFaultInjection', rules({ http })), [
    'rules[0].default.http.abort[0].httpStatus: must be in inclusive range [100, 599]',
    'rules[0].default.http.abort[0].percentage: must be in inclusive range [0.0, 100.0]',
    'rules[0].default.http.delay[1].value: must not be negative when defined',
    'rules[0].default.http.delay[1].percentage: must be in inclusive range [0.0, 100.0]',
    'rules[0].default.http.responseBandwidth[1].responseBandwidth: must be in kbps/Mbps/Gbps units',
  ])
})

test('MeshAccessLog', () => {
  const log = (...backends: object[]) => rules({ backends })
  const at = 'rules[0].default.backends[0]'
  assert.deepEqual(problems('MeshAccessLog', rules({})), ['rules[0].default.backends: must be defined'])
  assert.deepEqual(problems('MeshAccessLog', log({ type: 'File' })), [`${at}.file: must be defined`])
  assert.deepEqual(problems('MeshAccessLog', log({ type: 'File', file: { path: 'log', format: { type: 'Plain' } } })), [
    `${at}.file.format.plain: must be defined`,
    `${at}.file.path: file backend requires a valid path`,
  ])
  assert.deepEqual(
    problems(
      'MeshAccessLog',
      log({ type: 'Tcp', tcp: { address: 'http://logs', format: { type: 'Json', json: [{ key: '"', value: '' }] } } }),
    ),
    [
      `${at}.tcp.format.json[0].value: value cannot be empty`,
      `${at}.tcp.format.json[0]: is not a valid JSON object`,
      `${at}.tcp.address: tcp backend requires valid address`,
    ],
  )
  const attributes = [
    { key: 'otel.x', value: '1' },
    { key: '%A%', value: '1' },
    { key: 'A', value: '1' },
    { key: 'a.b_c', value: '%X%' },
  ]
  assert.deepEqual(problems('MeshAccessLog', log({ type: 'OpenTelemetry', openTelemetry: { attributes } })), [
    `${at}.openTelemetry.backendRef: must be defined`,
    `${at}.openTelemetry.attributes[0].key: must not use the reserved OpenTelemetry prefix 'otel.'`,
    `${at}.openTelemetry.attributes[1].key: must be a static OpenTelemetry attribute name`,
    `${at}.openTelemetry.attributes[2].key: must start with a lowercase letter, use only lowercase letters, digits, '.' or '_', avoid consecutive delimiters, and end with a letter or digit`,
  ])
})

test('MeshTrace', () => {
  const trace = (backend: object) => problems('MeshTrace', { default: { backends: [backend] } })
  const at = 'default.backends[0]'
  assert.deepEqual(problems('MeshTrace', {}), ['default.backends: must be defined'])
  assert.deepEqual(problems('MeshTrace', { default: { backends: [] } }), [])
  const zipkin = { type: 'Zipkin', zipkin: { url: 'http://zipkin:9411' } }
  assert.deepEqual(problems('MeshTrace', { default: { backends: [zipkin, zipkin] } }), [
    'default.backends: must have zero or one backend defined',
  ])
  assert.deepEqual(problems('MeshTrace', { default: { backends: [], tags: [{ name: '' }], sampling: { random: 101 } } }), [
    'default.tags[0].name: must not be empty',
    'default.tags[0]: tag must have only one type defined: header, literal',
    'default.sampling.random: must be in inclusive range [0.0, 100.0]',
  ])
  assert.deepEqual(trace({ type: 'Zipkin', zipkin: { url: 'not a url' } }), [`${at}.zipkin.url: must be a valid url`])
  assert.deepEqual(trace({ type: 'Datadog', datadog: { url: 'http://agent:8126' } }), [])
  assert.deepEqual(trace({ type: 'Datadog', datadog: { url: 'https://user@agent/path?q#f' } }), [
    `${at}.datadog.url: scheme must be http`,
    `${at}.datadog.url: port must be defined`,
    `${at}.datadog.url: user must not be defined`,
    `${at}.datadog.url: path must not be defined`,
    `${at}.datadog.url: query must not be defined`,
    `${at}.datadog.url: fragment must not be defined`,
  ])
  assert.deepEqual(trace({ type: 'Datadog', datadog: { url: 'http://agent:99999' } }), [
    `${at}.datadog.url: port must be a valid (1-65535)`,
  ])
  assert.deepEqual(trace({ type: 'OpenTelemetry', openTelemetry: {} }), [`${at}.openTelemetry.backendRef: must be defined`])
})

test('MeshMetric', () => {
  const exclude = [
    { type: 'Regex', match: '(' },
    { type: 'Prefix', match: '(' },
  ]
  assert.deepEqual(
    problems('MeshMetric', {
      default: { sidecar: { profiles: { exclude, appendProfiles: [{ name: 'Some' }] } }, applications: [{ port: 0 }] },
    }),
    [
      'default.sidecar.profiles.appendProfiles[0].name: "name" must be one of ["All", "Basic", "None"]',
      'default.applications[0].port: port must be a valid (1-65535)',
      'default.sidecar.profiles.exclude[0].match: invalid regex',
    ],
  )
})

test('MeshTLS', () => {
  assert.deepEqual(problems('MeshTLS', rules({ tlsVersion: { min: 'TLS13', max: 'TLS12' } })), [
    'rules[0].default.tlsVersion.min: min version must be lower than max',
  ])
  assert.deepEqual(
    problems('MeshTLS', rules({ mode: 'Off', tlsCiphers: ['RC4'] })).map(it => it.split(':')[0]),
    ['rules[0].default.mode', 'rules[0].default.tlsCiphers[0]'],
  )
})

test('MeshTrafficPermission', () => {
  assert.deepEqual(problems('MeshTrafficPermission', rules({ deny: [] })), [
    "rules[0]: at least one of 'allow', 'allowWithShadowDeny', 'deny' has to be defined",
  ])
  assert.deepEqual(problems('MeshTrafficPermission', rules({ allow: [{}] })), [])
  assert.deepEqual(problems('MeshTrafficPermission', {}), ['rules: must be defined'])
})

test('MeshTCPRoute', () => {
  const route = (rule: object[], targetRef: object = backend) => problems('MeshTCPRoute', { to: [{ targetRef, rules: rule }] })
  assert.deepEqual(route([{ default: {} }]), ['to[0].rules[0].default.backendRefs: must be defined'])
  assert.deepEqual(route([], { kind: 'Mesh' }), ["to[0].targetRef.kind: value 'Mesh' is not supported"])
  const [ref] = [{ kind: 'MeshMultiZoneService', labels: { app: 'x' } }]
  assert.deepEqual(route([{ default: { backendRefs: [ref] } }]), [
    'to[0].rules[0].default.backendRefs[0].port: must be defined with kind MeshMultiZoneService',
  ])
  assert.deepEqual(route([{ default: { backendRefs: [backend] } }, { default: { backendRefs: [backend] } }]), [
    'to[0].rules: must have at most 1 item',
  ])
})

test('MeshHTTPRoute', () => {
  const route = (match: object, conf: object = {}) =>
    problems('MeshHTTPRoute', { to: [{ targetRef: backend, rules: [{ matches: [match], default: conf }] }] })
  const at = 'to[0].rules[0]'
  assert.deepEqual(route({ path: { type: 'PathPrefix', value: 'a/' } }), [
    `${at}.matches[0].path.value: does not need a trailing slash because only a \`/\`-separated prefix or an entire path is matched`,
    `${at}.matches[0].path.value: must be an absolute path`,
  ])
  assert.deepEqual(
    route({
      queryParams: [
        { type: 'Exact', name: 'a', value: '1' },
        { type: 'Exact', name: 'a', value: '2' },
      ],
    }),
    [`${at}.matches[0].queryParams[1].name: multiple entries for name a`],
  )
  assert.deepEqual(route({ headers: [{ type: 'Present', name: 'a', value: 'x' }] }), [
    `${at}.matches[0].headers[0].value: must not be defined`,
  ])
  const filters = [
    { type: 'RequestHeaderModifier', requestHeaderModifier: {} },
    { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'a', value: '1' }], remove: ['a'] } },
    {
      type: 'URLRewrite',
      urlRewrite: { hostname: '10.0.0.1', hostToBackendHostname: true, path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } },
    },
    { type: 'RequestRedirect' },
  ]
  assert.deepEqual(route({}, { filters: filters.slice(0, 3) }), [
    `${at}.default.filters[0].requestHeaderModifier: must have at least one defined: set, add, remove`,
    `${at}.default.filters[1].responseHeaderModifier.remove[0].name: duplicate header name`,
    `${at}.default.filters[2].urlRewrite.path.replacePrefixMatch: can only appear if all matches match a path prefix`,
    `${at}.default.filters[2].urlRewrite.hostname: cannot be an IP address`,
    `${at}.default.filters[2].urlRewrite.hostToBackendHostname: can only be set with MeshGateway`,
    `${at}.default.filters[2].urlRewrite.hostToBackendHostname: cannot be set together with hostname`,
  ])
  assert.deepEqual(route({}, { filters: filters.slice(3) }), [`${at}.default.filters[0].requestRedirect: must be defined`])
})

test('MeshLoadBalancingStrategy', () => {
  const everywhere = { kind: 'MeshMultiZoneService', labels: { app: 'x' } }
  const strategy = (conf: object, targetRef: object = everywhere) => problems('MeshLoadBalancingStrategy', to(conf, targetRef))
  const at = 'to[0].default'
  assert.deepEqual(strategy({ localityAwareness: { crossZone: { failover: [{ to: { type: 'Sometimes' } }] } } }, backend), [
    `${at}.localityAwareness.crossZone: crossZone is only supported when targetRef.kind is MeshMultiZoneService`,
  ])
  assert.deepEqual(strategy({ loadBalancer: { type: 'Random' }, hashPolicies: [] }, { kind: 'MeshHTTPRoute', labels: { app: 'x' } }), [
    `${at}.loadBalancer: field is not allowed when targetRef.kind is MeshHTTPRoute, only hashPolicies is supported`,
  ])
  const failover = [{ from: { zones: [] }, to: { type: 'Only' } }, { to: { type: 'Any', zones: ['a'] } }]
  assert.deepEqual(strategy({ localityAwareness: { crossZone: { failover, failoverThreshold: { percentage: '101' } } } }), [
    `${at}.localityAwareness.crossZone.failover[0].from.zones: must not be empty`,
    `${at}.localityAwareness.crossZone.failover[0].to.zones: must not be empty when type is Only`,
    `${at}.localityAwareness.crossZone.failover[1].to.zones: must be empty when type is Any`,
    `${at}.localityAwareness.crossZone.failoverThreshold.percentage: must be in inclusive range [0.0, 100.0]`,
  ])
  assert.deepEqual(strategy({ localityAwareness: { localZone: { affinityTags: [{ key: '', weight: 0 }, { key: 'b' }] } } }), [
    `${at}.localityAwareness.localZone.affinityTags[0].key: must not be empty`,
    `${at}.localityAwareness.localZone.affinityTags[0].weight: must be greater than 0`,
    `${at}.localityAwareness.localZone.affinityTags: all or none affinity tags should have weight`,
  ])
  assert.deepEqual(
    strategy({ hashPolicies: [{ type: 'Cookie', cookie: { name: 'a', path: 'b' } }, { type: 'Connection' }, { type: 'Header' }] }),
    [
      `${at}.hashPolicies[2].header: must be defined`,
      `${at}.hashPolicies[0].cookie.path: must be an absolute path`,
      `${at}.hashPolicies[1].connection: must be defined`,
    ],
  )
})

test('numbers in texts are numbers', () => {
  const leastRequest = (activeRequestBias: unknown) =>
    problems('MeshLoadBalancingStrategy', to({ loadBalancer: { type: 'LeastRequest', leastRequest: { activeRequestBias } } }))
  const at = 'to[0].default.loadBalancer.leastRequest.activeRequestBias'

  assert.deepEqual(leastRequest('1.5'), [])
  assert.deepEqual(leastRequest('-0.5'), [`${at}: must be greater or equal then: 0`])
  assert.deepEqual(leastRequest('much'), [`${at}: string must be a valid number`])
})

test('MeshProxyPatch', () => {
  const patch = (...appendModifications: object[]) => problems('MeshProxyPatch', { default: { appendModifications } })
  const at = 'default.appendModifications[0]'
  assert.deepEqual(patch(), ['default.appendModifications: must not be empty'])
  assert.deepEqual(patch({}), [`${at}: exactly one modification can be defined at a time. Currently, 0 modifications are defined`])
  assert.deepEqual(patch({ cluster: { operation: 'Add', match: { name: 'x' } } }), [
    `${at}.cluster.match: must not be defined`,
    `${at}.cluster.value: must be defined`,
  ])
  assert.deepEqual(patch({ cluster: { operation: 'Remove', value: 'a: b' } }), [`${at}.cluster.value: must not be defined`])
  assert.deepEqual(patch({ cluster: { operation: 'Patch' } }), [`${at}.cluster: cluster must have exactly one defined: value, jsonPatches`])
  assert.deepEqual(patch({ httpFilter: { operation: 'AddBefore', value: 'name: x' } }), [
    `${at}.httpFilter.match.name: must be defined. You need to pick a filter before which this one will be added`,
  ])
  assert.deepEqual(patch({ listener: { operation: 'Patch', jsonPatches: [{ op: 'replace', path: 'name' }] } }), [
    `${at}.listener.jsonPatches[0].path: must be a JSON pointer`,
    `${at}.listener.jsonPatches[0].value: must be defined`,
  ])
  assert.match(patch({ cluster: { operation: 'Patch', value: '- a' } })[0] ?? '', /native Envoy resource is not valid/)
})
