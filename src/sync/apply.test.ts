import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KindDefinition } from '../model/kind.ts'
import { dataplaneKind } from '../model/kinds/dataplane.ts'
import { meshKind } from '../model/kinds/mesh.ts'
import { meshMultiZoneServiceKind } from '../model/kinds/mesh-multi-zone-service.ts'
import { meshServiceKind } from '../model/kinds/mesh-service.ts'
import { meshTrustKind } from '../model/kinds/mesh-trust.ts'
import { zoneKind } from '../model/kinds/zone.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { admitFromGlobal, admitFromZone, type Verdict, withdrawFromGlobal, withdrawFromZone } from './apply.ts'
import { travellingName } from './visibility.ts'

const fromZone = (zone: string) => ({ 'kuma.io/display-name': 'web', 'kuma.io/origin': 'zone', 'kuma.io/zone': zone })

function aSent(kind: KindDefinition, labels: Record<string, string>, fields: Partial<ResourceDraft> = {}): ResourceDraft {
  const mesh = fields.mesh ?? (kind.scope === 'mesh' ? 'default' : '')
  const name = travellingName({ kind: kind.kind, mesh, name: 'web', labels })
  return { kind: kind.kind, mesh, name, labels, spec: {}, ...fields }
}

function aStored(sent: ResourceDraft, fields: Partial<Resource> = {}): Resource {
  return { ...sent, creationTime: '', modificationTime: '', revision: 3, ...fields }
}

const aBundle = { type: 'Pem', pem: { value: '-----BEGIN CERTIFICATE-----' } }

const outcome = (verdict: Verdict) => (verdict.kind === 'refused' ? verdict.reason : verdict.kind)

test('at global a zone writes what it owns', () => {
  const sent = aSent(meshServiceKind, fromZone('aws-1'), { status: { vips: [] } })

  assert.deepEqual(admitFromZone('aws-1', sent, meshServiceKind, undefined), { kind: 'put', draft: sent })
  assert.equal(outcome(admitFromZone('aws-1', sent, meshServiceKind, aStored(sent))), 'put')
})

test('origin and zone come from who sent it, not from what it says', () => {
  const sent = aSent(meshServiceKind, { 'kuma.io/display-name': 'web' })
  const named = { ...sent, name: travellingName({ ...sent, labels: fromZone('aws-1') }) }

  const verdict = admitFromZone('aws-1', named, meshServiceKind, undefined)

  assert.deepEqual(verdict.kind === 'put' && verdict.draft.labels, fromZone('aws-1'))
})

test('at global a zone is refused what is not its own, and told why', () => {
  const check = (sent: ResourceDraft, kind: KindDefinition, stored: Resource | undefined, reason: RegExp) =>
    assert.match(outcome(admitFromZone('aws-1', sent, kind, stored)), reason)
  const own = aSent(meshServiceKind, fromZone('aws-1'))

  check(aSent(meshKind, {}), meshKind, undefined, /does not own any Mesh/)
  check(aSent(zoneKind, {}), zoneKind, undefined, /does not own any Zone/)
  check(aSent(meshMultiZoneServiceKind, fromZone('aws-1')), meshMultiZoneServiceKind, undefined, /does not own/)
  check(aSent(meshServiceKind, fromZone('azure-1')), meshServiceKind, undefined, /zone azure-1's, and was sent by zone aws-1/)
  check(aSent(meshServiceKind, { ...fromZone('aws-1'), 'kuma.io/origin': 'global' }), meshServiceKind, undefined, /origin is global/)
  check({ ...own, name: 'web' }, meshServiceKind, undefined, /the name that follows from its labels is web-/)
  check({ ...own, mesh: '' }, meshServiceKind, undefined, /mesh cannot be empty/)
  check(own, meshServiceKind, aStored(own, { labels: fromZone('azure-1') }), /taken by zone azure-1/)
  check(own, meshServiceKind, aStored(own, { labels: {} }), /taken by global/)
})

test("global accepts a zone's bundle for that zone's trust domain only", () => {
  const bundle = (domain: unknown) => aSent(meshTrustKind, fromZone('aws-1'), { spec: { trustDomain: domain, caBundles: [aBundle] } })
  const check = (domain: unknown, expected: RegExp) =>
    assert.match(outcome(admitFromZone('aws-1', bundle(domain), meshTrustKind, undefined)), expected)

  check('default.aws-1.mesh.local', /^put$/)
  check('default.azure-1.mesh.local', /vouches for the trust domain default.aws-1.mesh.local only/)
  check('other.aws-1.mesh.local', /vouches for/)
  check(undefined, /spec.trustDomain/)
})

test('what has a form that nobody here could read is refused; fields that are merely unknown are kept', () => {
  const check = (fields: Partial<ResourceDraft>, expected: RegExp) =>
    assert.match(outcome(admitFromZone('aws-1', aSent(meshServiceKind, fromZone('aws-1'), fields), meshServiceKind, undefined)), expected)

  check({ spec: { ports: 'eighty' } }, /spec.ports must be/)
  check({ spec: { state: 'Available', newField: { of: 'a later version' } } }, /^put$/)
  check({ status: { vips: ['no object'] } }, /status.vips\[0\] must be an object/)
  check({ spec: null }, /spec/)
})

test('a zone withdraws only what it made', () => {
  const stored = aStored(aSent(dataplaneKind, fromZone('aws-1')))

  assert.equal(outcome(withdrawFromZone('aws-1', stored)), 'delete')
  assert.equal(outcome(withdrawFromZone('azure-1', stored)), 'unchanged')
  assert.equal(outcome(withdrawFromZone('aws-1', undefined)), 'unchanged')
  assert.equal(outcome(withdrawFromZone('aws-1', { ...stored, labels: {} })), 'unchanged')
})

test("a zone takes global's resources and other zones', and keeps the status that it computed itself", () => {
  const global = { 'kuma.io/display-name': 'web', 'kuma.io/origin': 'global' }
  const sent = aSent(meshServiceKind, { ...global, 'kuma.io/zone': 'azure-1' }, { status: { vips: ['of another zone'] } })
  const { status: _, ...bare } = sent
  const stored = aStored(bare, { status: { vips: ['mine'] } })

  assert.deepEqual(admitFromGlobal('aws-1', sent, meshServiceKind, undefined), { kind: 'put', draft: bare })
  assert.deepEqual(admitFromGlobal('aws-1', { ...sent, spec: { state: 'Available' } }, meshServiceKind, stored), {
    kind: 'put',
    draft: { ...bare, spec: { state: 'Available' }, status: { vips: ['mine'] } },
  })
})

test('what a zone made itself is never overwritten and never removed by global', () => {
  const sent = aSent(meshKind, { 'kuma.io/origin': 'global' }, { spec: { meshServices: { mode: 'Exclusive' } } })
  const own = aStored(sent, { labels: {}, spec: {} })

  assert.match(outcome(admitFromGlobal('aws-1', sent, meshKind, own)), /has its own Mesh of that name/)
  assert.equal(outcome(admitFromGlobal('aws-1', { ...sent, spec: {} }, meshKind, own)), 'unchanged')
  assert.equal(outcome(withdrawFromGlobal(own)), 'unchanged')
  assert.equal(outcome(withdrawFromGlobal({ ...own, labels: { 'kuma.io/origin': 'global' } })), 'delete')
})

test('a zone refuses its own things coming back, and kinds that global has no say in', () => {
  const back = aSent(meshServiceKind, { ...fromZone('aws-1'), 'kuma.io/origin': 'global' })

  assert.match(outcome(admitFromGlobal('aws-1', back, meshServiceKind, undefined)), /zone aws-1's own/)
  assert.match(outcome(admitFromGlobal('aws-1', aSent(dataplaneKind, {}), dataplaneKind, undefined)), /global does not own any Dataplane/)
})
