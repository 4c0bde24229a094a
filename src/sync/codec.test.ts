import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, decodeResource, encodeResource, parseWireName, wireName } from './codec.ts'

test('a resource survives the wire', () => {
  const resource = {
    kind: 'MeshService',
    mesh: 'default',
    name: 'payments-2v6wfvvcvbc9f55d',
    labels: { 'kuma.io/zone': 'aws-1', 'kuma.io/origin': 'zone' },
    spec: { state: 'Available', ports: [{ port: 80, name: 'http' }], selector: { dataplaneLabels: { matchLabels: {} } } },
    status: { vips: [{ ip: '241.0.0.1' }] },
  }

  const decoded = decodeResource('MeshService', encodeResource(resource))

  assert.deepEqual(decoded, { kind: 'ok', resource })
})

const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(members.map(([key, inner]) => [key, withoutNulls(inner)]))
}

test('any JSON but null members survives the wire, and equal content has equal bytes whatever the order of its keys', () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, reversed(inner)]),
    )
  }
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (spec, labels) => {
      const base = { kind: 'Mesh', mesh: '', name: 'default' }

      const bytes = encodeResource({ ...base, labels, spec })
      const decoded = decodeResource('Mesh', bytes)

      assert.deepEqual(encodeResource({ ...base, labels: reversed(labels) as typeof labels, spec: reversed(spec) }), bytes)
      assert.ok(decoded.kind === 'ok')
      assert.equal(canonicalJson(decoded.resource.spec), canonicalJson(withoutNulls(spec)))
      assert.deepEqual({ ...decoded.resource.labels }, { ...labels })
    }),
    { numRuns: 200 },
  )
})

test('garbage is named as malformed and throws nothing', () => {
  const noName = encodeResource({ kind: 'Mesh', mesh: '', name: '', labels: {}, spec: {} })
  const slash = encodeResource({ kind: 'Mesh', mesh: '', name: 'a/b', labels: {}, spec: {} })

  for (const bytes of [new Uint8Array([255, 255, 255]), new Uint8Array(), noName, slash]) {
    assert.equal(decodeResource('Mesh', bytes).kind, 'malformed')
  }
})

test('names on the wire are <name>.<mesh>', () => {
  for (const [name, mesh, wire] of [
    ['web', 'default', 'web.default'],
    ['web.ns', 'default', 'web.ns.default'],
    ['default', '', 'default.'],
  ] as const) {
    assert.equal(wireName({ name, mesh }), wire)
    assert.deepEqual(parseWireName(wire), { name, mesh })
  }
})
