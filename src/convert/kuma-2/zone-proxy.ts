import { moveFields } from './move-fields.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

/** A ZoneIngress or a ZoneEgress was of all meshes; here a zone gateway is a Dataplane of one mesh: there is one for each mesh. */
export function convertZoneProxy(source: Source, world: World, out: Output): void {
  const networking = source.spec.member('networking')
  const zoneField = source.spec.member('zone')
  const address = networking?.member('address')
  const port = networking?.member('port')
  if (address === undefined || port === undefined) {
    source.root.drop('it has no address and port')
    return
  }
  const zone = source.spec.text('zone') ?? source.zone
  zoneField?.keep('a Dataplane is of the zone that it is applied in')
  const meshes = meshesOf(world)
  for (const field of [address, port])
    if (meshes.length > 1) field.approximate(`one listener for each of the meshes ${meshes.join(', ')}: give each a port of its own`)
    else field.keep('as listener')
  const admin = moveFields(networking, [{ from: 'admin.port', to: 'admin.port' }])
  const isIngress = source.type === 'ZoneIngress'
  source.spec.member('availableServices')?.keep('control planes find out themselves')
  for (const mesh of meshes) {
    const asMesh = { ...source, mesh, ...(zone === undefined ? {} : { zone }) }
    out.add(asMesh, {
      kind: 'Dataplane',
      labels: { ...source.labels },
      spec: {
        networking: { address: address.value, listeners: [{ type: source.type, address: address.value, port: port.value }], ...admin },
      },
    })
    if (isIngress) addZoneAddress(asMesh, out)
  }
}

/** Where other zones reach it: the advertised address, else the own one. */
function addZoneAddress(source: Source, out: Output): void {
  const networking = source.spec.member('networking')!
  const advertised = { address: networking.member('advertisedAddress'), port: networking.member('advertisedPort') }
  for (const field of Object.values(advertised)) field?.keep('as MeshZoneAddress')
  out.add(source, {
    kind: 'MeshZoneAddress',
    labels: {},
    spec: {
      address: (advertised.address ?? networking.member('address'))!.value,
      port: (advertised.port ?? networking.member('port'))!.value,
    },
    ...(advertised.address === undefined ? { because: 'other zones reach the gateway at its own address' } : {}),
  })
}

function meshesOf(world: World): string[] {
  const named = world.sources.map(source => (source.type === 'Mesh' ? source.name : source.mesh)).filter(mesh => mesh !== '')
  return named.length === 0 ? ['default'] : [...new Set(named)].sort()
}
