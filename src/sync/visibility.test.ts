import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KindDefinition } from '../model/kind.ts'
import { dataplaneKind } from '../model/kinds/dataplane.ts'
import { meshKind } from '../model/kinds/mesh.ts'
import { meshMultiZoneServiceKind } from '../model/kinds/mesh-multi-zone-service.ts'
import { meshServiceKind } from '../model/kinds/mesh-service.ts'
import { meshTrafficPermissionKind } from '../model/kinds/mesh-traffic-permission.ts'
import { meshTrustKind } from '../model/kinds/mesh-trust.ts'
import { meshZoneAddressKind } from '../model/kinds/mesh-zone-address.ts'
import { serviceCapacityKind } from '../model/kinds/service-capacity.ts'
import { zoneKind } from '../model/kinds/zone.ts'
import type { Resource } from '../model/resource.ts'
import { owedToGlobal, owedToZone, owedToZones } from './visibility.ts'

const everyZone = () => true
const secretKind: KindDefinition = { ...(meshTrafficPermissionKind as KindDefinition), kind: 'Secret', secret: true }

function aResource(kind: KindDefinition, fields: Partial<Resource> = {}): Resource {
  return {
    kind: kind.kind,
    mesh: kind.scope === 'mesh' ? 'default' : '',
    name: 'web',
    labels: {},
    spec: {},
    creationTime: '2026-01-01T00:00:00Z',
    modificationTime: '2026-01-01T00:00:00Z',
    revision: 1,
    ...fields,
  }
}

const trust = (zone: string) => ({ spec: { trustDomain: `default.${zone}.mesh.local`, caBundles: [] } })
const fromAws = { labels: { 'kuma.io/origin': 'zone', 'kuma.io/zone': 'aws-1', 'kuma.io/display-name': 'web' } }
const fromGlobal = { labels: { 'kuma.io/origin': 'global', 'kuma.io/display-name': 'web' } }

test('what a zone owes to global', () => {
  const check = (kind: KindDefinition, fields: Partial<Resource>, owed: boolean) =>
    assert.equal(owedToGlobal('aws-1', aResource(kind, fields), kind) !== null, owed, `${kind.kind} ${JSON.stringify(fields)}`)

  check(dataplaneKind, {}, true)
  check(meshServiceKind, {}, true)
  check(meshZoneAddressKind, {}, true)
  check(serviceCapacityKind, {}, true)
  check(meshTrafficPermissionKind, {}, true)
  check(meshTrustKind, trust('aws-1'), true)
  check(meshTrustKind, trust('azure-1'), false)
  check(meshTrustKind, { spec: { trustDomain: 'corp.example' } }, false)
  check(meshServiceKind, fromGlobal, false)
  check(meshServiceKind, { labels: { 'kuma.io/kds-sync': 'disabled' } }, false)
  check(meshKind, {}, false)
  check(meshMultiZoneServiceKind, {}, false)
  check(zoneKind, {}, false)
  check(secretKind, {}, false)
})

test('what global owes to azure-1 and to aws-1', () => {
  const check = (kind: KindDefinition, fields: Partial<Resource>, owed: { azure: boolean; aws: boolean }) =>
    assert.deepEqual(
      {
        azure: owedToZone('azure-1', aResource(kind, fields), kind, everyZone) !== null,
        aws: owedToZone('aws-1', aResource(kind, fields), kind, everyZone) !== null,
      },
      owed,
      `${kind.kind} ${JSON.stringify(fields)}`,
    )
  const [both, neither, other] = [
    { azure: true, aws: true },
    { azure: false, aws: false },
    { azure: true, aws: false },
  ]

  check(meshKind, {}, both)
  check(meshMultiZoneServiceKind, {}, both)
  check(meshTrafficPermissionKind, {}, both)
  check(meshTrustKind, { spec: { trustDomain: 'corp.example' } }, both)
  check(meshServiceKind, fromAws, other)
  check(meshZoneAddressKind, fromAws, other)
  check(serviceCapacityKind, fromAws, other)
  check(meshTrustKind, { ...fromAws, ...trust('aws-1') }, other)
  check(meshTrafficPermissionKind, fromAws, neither)
  check(dataplaneKind, fromAws, neither)
  check(meshServiceKind, {}, neither)
  check(zoneKind, {}, neither)
  check(secretKind, {}, neither)
  check(meshTrafficPermissionKind, { labels: { 'kuma.io/kds-sync': 'disabled' } }, neither)
})

test('what a disabled zone made goes to no other zone; it still receives', () => {
  const enabled = (zone: string) => zone !== 'aws-1'

  assert.equal(owedToZone('azure-1', aResource(meshServiceKind, fromAws), meshServiceKind, enabled), null)
  assert.ok(owedToZone('aws-1', aResource(meshMultiZoneServiceKind), meshMultiZoneServiceKind, enabled))
})

test('on its way up a resource keeps its status and gets the labels and the name that it has at global', () => {
  const service = aResource(meshServiceKind, { name: 'redis-zone-1', labels: { team: 'db' }, status: { vips: [] } })

  assert.deepEqual(owedToGlobal('zone-1', service, meshServiceKind), {
    kind: 'MeshService',
    mesh: 'default',
    name: 'redis-zone-1-2v6wfvvcvbc9f55d',
    labels: { team: 'db', 'kuma.io/display-name': 'redis-zone-1', 'kuma.io/origin': 'zone', 'kuma.io/zone': 'zone-1' },
    spec: {},
    status: { vips: [] },
  })
})

test('on its way down a resource loses its status and keeps the name it has at global', () => {
  const labels = { 'kuma.io/display-name': 'redis-zone-1', 'kuma.io/origin': 'zone', 'kuma.io/zone': 'zone-1' }
  const service = aResource(meshServiceKind, { name: 'redis-zone-1-2v6wfvvcvbc9f55d', labels, status: { vips: [] } })

  assert.deepEqual(owedToZones(service, meshServiceKind, everyZone), {
    from: 'zone-1',
    form: {
      kind: 'MeshService',
      mesh: 'default',
      name: 'redis-zone-1-2v6wfvvcvbc9f55d',
      labels: { ...labels, 'kuma.io/origin': 'global' },
      spec: {},
    },
  })
})

test("global's own resources get Kuma's hashed name on their way down, a mesh keeps its own", () => {
  const permission = aResource(meshTrafficPermissionKind, { name: 'default-timeout-global' })

  assert.equal(owedToZones(permission, meshTrafficPermissionKind, everyZone)?.form.name, 'default-timeout-global-54dbd4c66zwbcf9c')
  assert.deepEqual(owedToZones(aResource(meshKind, { name: 'default' }), meshKind, everyZone)?.form, {
    kind: 'Mesh',
    mesh: '',
    name: 'default',
    labels: { 'kuma.io/origin': 'global' },
    spec: {},
  })
})
