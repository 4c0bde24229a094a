import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { importedTypes } from './kuma-2/import.ts'
import { brokenPromises, sample } from './test-support.ts'

const files = readdirSync(join(import.meta.dirname, 'testdata')).filter(file => file.endsWith('.yaml'))
const samples = new Map(files.map(file => [file, sample(file)]))

test('of every sample each leaf is reported once, and every resource is valid', () => {
  assert(samples.size >= 4)
  for (const [file, objects] of samples) assert.deepEqual(brokenPromises(objects), [], file)
})

/** Words that files of Kuma 2 are made of: what is put together of them reaches far into the converters. */
const words = [
  ...['targetRef', 'kind', 'name', 'namespace', 'tags', 'labels', 'to', 'from', 'rules', 'default', 'action', 'spec', 'conf', 'match'],
  ...['sources', 'destinations', 'selectors', 'networking', 'inbound', 'outbound', 'address', 'port', 'gateway', 'type', 'listeners'],
  ...['mtls', 'enabledBackend', 'backends', 'tracing', 'logging', 'metrics', 'routing', 'passthrough', 'http', 'tcp', 'split', 'weight'],
  ...['destination', 'kuma.io/service', 'kuma.io/zone', 'kuma.io/protocol', 'version', 'backendRefs', 'filters', 'modify', 'loadBalancer'],
  ...['transparentProxying', 'reachableServices', 'tls', 'certificates', 'protocol', 'hostname', 'modifications', 'cluster', 'value'],
  ...['openTelemetry', 'endpoint', 'localityAwareness', 'crossZone', 'data', 'zone', 'proxyTypes', 'interval', 'detectors', 'totalErrors'],
]
const values = [
  ...['Mesh', 'MeshSubset', 'MeshService', 'MeshServiceSubset', 'MeshGateway', 'Dataplane', 'MeshMultiZoneService', 'Allow', 'Deny', '*'],
  ...[
    'web',
    'backend_shop_svc_80',
    'Web_1',
    '10.0.0.1',
    '10.0.0.1:80',
    'http',
    'HTTPS',
    'zipkin',
    'prometheus',
    'builtin',
    'provided',
    '5s',
  ],
]
const scalar = fc.oneof(
  { arbitrary: fc.constantFrom(...values), weight: 6 },
  fc.integer({ min: -1, max: 70000 }),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
)
const { json } = fc.letrec(tie => ({
  json: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words), tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
}))
const body = fc.dictionary(fc.constantFrom(...words), json, { maxKeys: 6, noNullPrototype: true })
const object = fc
  .record({ type: fc.constantFrom(...importedTypes, 'OPAPolicy', 'ZoneInsight'), body, nested: fc.boolean() })
  .map(({ type, body, nested }) => ({ ...(nested ? { spec: body } : body), type, name: 'a-1', mesh: 'default' }))

test('whatever is in an object, each leaf of it is reported once, and what comes of it is valid', () => {
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 3 }), fc.boolean(), (objects, knowsZones) => {
      assert.deepEqual(brokenPromises(objects, knowsZones ? { zones: ['east', 'west'] } : {}), [])
    }),
    { numRuns: 2000 },
  )
})

/** Puts a value somewhere into one. */
function put(value: unknown, path: readonly number[], added: unknown): unknown {
  const [step = 0, ...rest] = path
  if (typeof value !== 'object' || value === null) return added
  const keys = Object.keys(value)
  const key = keys[step % (keys.length + 1)]
  if (key === undefined) return Array.isArray(value) ? [...value, added] : { ...value, addedField: added }
  if (key === 'type' || key === 'name' || key === 'metadata' || key === 'kind' || key === 'apiVersion' || key === 'mesh') return value
  const inner = put((value as Record<string, unknown>)[key], rest, added)
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner }
}

test('samples with something else anywhere in them are reported as fully, and what comes of them is valid', () => {
  const change = fc.record({
    file: fc.constantFrom(...files),
    at: fc.nat(200),
    path: fc.array(fc.nat(12), { minLength: 1, maxLength: 9 }),
    added: json,
  })
  fc.assert(
    fc.property(change, ({ file, at, path, added }) => {
      const objects = samples.get(file)!
      const index = at % objects.length
      assert.deepEqual(brokenPromises(objects.with(index, put(objects[index], path, added))), [])
    }),
    { numRuns: 1000 },
  )
})
