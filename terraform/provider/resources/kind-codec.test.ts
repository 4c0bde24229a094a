import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resourceTypeOf, typedKinds } from '../../../src/convert/terraform/kind-names.ts'
import { meanSame, minimalSpec } from '../../../src/convert/terraform/minimal-spec.ts'
import { completeSpec } from '../../../src/model/complete.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { kindByName } from '../../../src/model/kinds/index.ts'
import { toWire } from '../../../src/model/wire.ts'
import { pack, unpackObject } from '../../sdk/cty/msgpack.ts'
import { type ObjectValue, UNKNOWN } from '../../sdk/cty/value.ts'
import { emptyObject, objectType } from '../../sdk/provider/schema.ts'
import { carryOver } from './carry-over.ts'
import type { ShownResource } from './codec.ts'
import { kindCodec } from './kind-codec.ts'
import { parseId } from './resource-key.ts'

/** A kind's example as a control plane shows it. */
function shown(kind: KindDefinition): ShownResource {
  const resource = {
    kind: kind.kind,
    mesh: kind.scope === 'mesh' ? 'default' : '',
    name: kind.example.name,
    labels: { ...kind.example.labels, 'kuma.io/origin': 'global', 'kuma.io/display-name': kind.example.name },
    spec: completeSpec(kind, kind.example.spec),
    creationTime: '2026-01-01T00:00:00Z',
    modificationTime: '2026-01-01T00:00:00Z',
    revision: 7,
  }
  return toWire(resource) as ShownResource
}

const nothing = (kind: KindDefinition): ObjectValue => emptyObject(kindCodec(kind).attributes, { name: kind.example.name, mesh: 'default' })

test('what is read of a kind is a value of its schema, and what is written of that means the same', () => {
  for (const kind of typedKinds) {
    const codec = kindCodec(kind)
    const type = objectType(codec.attributes)
    const state = codec.toState(shown(kind), nothing(kind))

    assert.deepEqual(unpackObject(type, pack(type, state)), state, kind.kind)
    const body = codec.toBody(state, state) as { readonly spec?: unknown; readonly labels: object }
    const { type: _, mesh: __, name: ___, labels, ...flat } = body as Record<string, unknown>
    assert(meanSame(kind, kind.shape === 'flat' ? withoutMesh(kind, body) : body.spec, kind.example.spec), kind.kind)
    assert.deepEqual(labels, kind.example.labels ?? {}, `${kind.kind}: the control plane's labels are its own`)
    assert.deepEqual(codec.validate(state), [], kind.kind)
    assert(flat !== undefined)
  }
})

function withoutMesh(kind: KindDefinition, body: object): unknown {
  const { type: _, name: __, labels: ___, mesh, ...spec } = body as Record<string, unknown>
  return kind.scope === 'global' && mesh !== undefined ? { ...spec, mesh } : spec
}

test('what is read again is what was there before, to the last spelling', () => {
  for (const kind of typedKinds) {
    const codec = kindCodec(kind)
    const before = { ...codec.toState(shown(kind), nothing(kind)), revision: 7 }

    const again = codec.toState(shown(kind), before)

    for (const name of Object.keys(codec.attributes)) assert.equal(again[name], (before as ObjectValue)[name], `${kind.kind} ${name}`)
  }
})

test('the shortest spec means the same, and nothing can be left out of it', () => {
  for (const kind of typedKinds) {
    const whole = completeSpec(kind, kind.example.spec) as Record<string, unknown>
    const minimal = minimalSpec(kind, whole)

    assert(meanSame(kind, minimal, whole), kind.kind)
    assert.deepEqual(minimalSpec(kind, minimal), minimal, kind.kind)
    for (const field of Object.keys(minimal)) {
      const { [field]: _, ...shorter } = minimal
      const { required = [] } = kind.spec as { readonly required?: readonly string[] }
      if (!required.includes(field)) assert(!meanSame(kind, shorter, whole), `${kind.kind} ${field}`)
    }
  }
})

test('what control planes write is no difference, and an update leaves it as it is', () => {
  const kind = kindByName('MeshService')!
  const codec = kindCodec(kind)
  const now = { ...shown(kind), spec: { ...(shown(kind).spec as object), state: 'Available' } }
  const before = { ...codec.toState(shown(kind), nothing(kind)), revision: 7 } as ObjectValue

  const after = codec.toState(now, before)

  assert.equal(after.spec, before.spec)
  assert.doesNotMatch(JSON.stringify(before), /Available/)
  const body = carryOver(kind, codec.toBody(after, after), now) as { readonly spec: { readonly state: string; readonly ports: unknown[] } }
  assert.equal(body.spec.state, 'Available')
  assert.equal(body.spec.ports.length, 1)
})

test('that somebody asked for new roots is not taken back', () => {
  const kind = kindByName('MeshIdentity')!
  const codec = kindCodec(kind)
  const now = { ...shown(kind), labels: { ...(shown(kind).labels as object), 'skerry.io/rotation': '2026-11-01' } }
  const state = codec.toState(now, nothing(kind))

  assert.doesNotMatch(JSON.stringify(state), /rotation/)
  const { labels } = carryOver(kind, codec.toBody(state, state), now) as { readonly labels: Record<string, string> }
  assert.equal(labels['skerry.io/rotation'], '2026-11-01')
})

test('while a value is unknown nobody is blamed for it, and for the others still', () => {
  const codec = kindCodec(kindByName('MeshTimeout')!)
  const state = codec.toState(shown(kindByName('MeshTimeout')!), nothing(kindByName('MeshTimeout')!))
  const details = (config: ObjectValue) => codec.validate(config).map(({ detail }) => detail)

  assert.deepEqual(details({ ...state, spec: UNKNOWN }), [])
  assert.deepEqual(details({ ...state, name: UNKNOWN, labels: UNKNOWN }), [])
  assert.match(details({ ...state, spec: UNKNOWN, name: 'Not A Name' })[0]!, /^name: /)
})

test('every kind has another resource, and attributes have names that Terraform takes', () => {
  for (const kind of typedKinds) {
    assert.match(resourceTypeOf(kind.kind), /^skerry_[a-z0-9_]+$/)
    const names = JSON.stringify(objectType(kindCodec(kind).attributes)).matchAll(/"([^"]+)":/g)
    for (const [, name] of names) assert.match(name!, /^[a-z][a-z0-9_]*$/, `${kind.kind} ${name}`)
  }
})

test('an id is read in each of its forms, and what names nothing is refused', () => {
  const timeout = kindByName('MeshTimeout')!
  const zone = kindByName('Zone')!

  for (const id of ['default/slow', '{"mesh":"default","name":"slow"}', `kri_${timeout.short}_default___slow_`]) {
    assert.deepEqual(parseId(timeout, id), { mesh: 'default', name: 'slow' }, id)
  }
  assert.deepEqual(parseId(zone, 'aws-1'), { mesh: '', name: 'aws-1' })
  for (const id of ['slow', '/slow', 'a/b/c', '{"mesh":1}', '{', 'kri_msvc_default___slow_', ''])
    assert.throws(() => parseId(timeout, id), /does not name a MeshTimeout/, id)
  assert.throws(() => parseId(zone, 'default/aws-1'), /does not name a Zone/)
})
