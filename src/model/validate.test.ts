import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { completeSpec } from './complete.ts'
import { kindByName, kinds } from './kinds/index.ts'
import { checkChange, checkSpec } from './validate.ts'
import { fromWire } from './wire.ts'

const leaf = fc.oneof(
  fc.constantFrom('', 'x', '5', '-1s', '1h', '70%', 'http://a', 'spiffe://a/b', 'Mesh', 'Dataplane', 'Only', '{{ .X | f }}', '*.a', null),
  fc.integer({ min: -2, max: 70_000 }),
  fc.boolean(),
  fc.constant({}),
  fc.constant([]),
  fc.constant([null]),
  fc.constant(1.5),
)

/** Every place of a JSON value. */
function placesOf(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const step = Array.isArray(value) ? Number(key) : key
    return [[step], ...placesOf(member).map(place => [step, ...place])]
  })
}

/** A copy with something else at a place; undefined = nothing. */
function changed(value: unknown, [step, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (step === undefined) return to
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>
  if (rest.length === 0 && to === undefined) delete copy[step]
  else copy[step] = changed(copy[step], rest, to)
  return copy
}

for (const kind of kinds) {
  test(`${kind.kind}: whatever is written, it is judged and never fails`, () => {
    const { spec } = kind.example
    const places = placesOf(spec)
    const mutation = fc.record({ place: fc.constantFrom([], ...places), to: fc.option(leaf, { nil: undefined }) })

    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), mutations => {
        const written = mutations.reduce<unknown>((value, { place, to }) => {
          const isThere = place.every((_, depth) => {
            const above = place
              .slice(0, depth)
              .reduce<unknown>((at, step) => (at as Record<string, unknown> | null | undefined)?.[step], value)
            return typeof above === 'object' && above !== null
          })
          return isThere ? changed(value, place, to) : value
        }, spec)
        const { violations, spec: read } = checkSpec(kind, written)
        for (const { field, reason } of violations) assert.ok(typeof field === 'string' && reason !== '', JSON.stringify({ field, reason }))
        if (violations.length > 0) return
        // What is accepted reads the same again.
        const again = checkSpec(kind, read)
        assert.deepEqual(again, { spec: read, violations: [] })
        assert.deepEqual(completeSpec(kind, read), read)
      }),
      { numRuns: 150 },
    )
  })
}

test('of what must not be there only that is said', () => {
  const spec = { targetRef: { kind: 'Dataplane' }, rules: [{ default: { tlsVersion: { min: 'TLS15' } } }] }

  assert.deepEqual(checkSpec(kindByName('MeshTLS')!, spec).violations, [
    { field: 'spec.rules[0].default.tlsVersion', reason: 'tlsVersion can only be defined with top level targetRef kind: Mesh' },
  ])
})

test('what the schema refuses is not refused a second time', () => {
  const { violations } = checkSpec(kindByName('MeshTimeout')!, { to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: 'soon' } }] })

  assert.deepEqual(
    violations.map(({ field }) => field),
    ['spec.to[0].default.idleTimeout'],
  )
})

test('what a user writes is completed as Kuma does: defaults, durations, what follows from other fields', () => {
  const read = (json: object) => {
    const result = fromWire({ mesh: 'default', name: 'x', ...json }, { strict: true })
    assert.ok(result.kind === 'ok')
    return result.draft.spec
  }

  assert.deepEqual(read({ type: 'MeshService', spec: { ports: [{ port: 80 }] } }), {
    selector: {},
    ports: [{ port: 80, appProtocol: 'tcp', targetPort: 80 }],
    state: 'Unavailable',
  })
  assert.deepEqual(read({ type: 'MeshTimeout', spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '101s' } }] } }), {
    to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '1m41s' } }],
  })
  // A flat kind is a proto: its durations stay as they are.
  const networking = { address: '10.0.0.1', inbound: [{ port: 80, serviceProbe: { interval: '101s' } }] }
  assert.deepEqual(read({ type: 'Dataplane', networking }), { networking })
})

test('the SPIFFE ID of a MeshIdentity stays what it is', () => {
  const kind = kindByName('MeshIdentity')!
  const before = { spiffeID: { path: '/workload/{{ .Workload }}' } }

  assert.deepEqual(checkChange(kind, before, { ...before, selector: {} }), [])
  assert.equal(checkChange(kind, before, { spiffeID: { path: '/{{ .Workload }}' } })[0]?.field, 'spec.spiffeID')
})
