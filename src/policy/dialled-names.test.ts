import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialledNames } from './dialled-names.ts'
import { resolveName } from './host.ts'
import { aMultiZoneService, anIdentity, aRemoteZone, aService, aView } from './testing.ts'

const grpc = (name: string, zone: string) => aService(name, zone, { protocol: 'grpc' })

test('an application without a proxy means by a name alone the nearest service, and by a KRI exactly one', () => {
  const view = aView(
    'azure-1',
    anIdentity(),
    grpc('orders', 'azure-1'),
    grpc('web', 'azure-1'),
    aMultiZoneService('web'),
    ...aRemoteZone('aws-1'),
  )
  const meant = (name: string) => {
    const found = resolveName(view, name)
    return found && `${found.service.key} ${found.port.name}`
  }

  assert.equal(meant('orders'), 'MeshService/orders http')
  assert.equal(meant('ORDERS:80'), 'MeshService/orders http')
  assert.equal(meant('orders:81'), null)
  assert.equal(meant('orders.svc.mesh.local'), 'MeshService/orders http')
  assert.equal(meant('web'), 'MeshMultiZoneService/web http')
  assert.equal(meant('kri_msvc_default_azure-1__web_http'), 'MeshService/web http')
  assert.equal(meant('kri_msvc_default_azure-1__web_'), 'MeshService/web http')
  assert.equal(meant('kri_msvc_default_azure-1__web_other'), null)
  for (const nobody of ['nobody', '', 'orders.example.com', 'kri_msvc_default_aws-9__orders_http']) assert.equal(meant(nobody), null)
})

test('what callers of another zone dial leads to a gRPC service of this one, and to no other kind', () => {
  const view = aView('azure-1', anIdentity(), grpc('orders', 'azure-1'), aService('shop', 'azure-1'), aMultiZoneService('orders'))
  const namesOf = (name: string) => {
    const service = view.servicesNamed(name).find(({ kind }) => kind === 'MeshService')!
    return dialledNames(view, service, service.ports[0]!)
  }

  const { own, united } = namesOf('orders')

  for (const name of ['orders', 'orders.mesh', 'orders.svc.azure-1.mesh.local', 'kri_msvc_default_azure-1__orders_http'])
    assert(own.includes(name), name)
  assert.deepEqual(namesOf('shop'), { own: [], united: [] })
  assert(united.includes('kri_mzsvc_default___orders_http'), String(united))
})
