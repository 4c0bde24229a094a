import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, nonEmpty, portNumber } from '../schema.ts'

/** Where the proxies of other zones reach this zone's gateway. */
export const meshZoneAddressKind = defineKind({
  kind: 'MeshZoneAddress',
  short: 'mza',
  path: 'meshzoneaddresses',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1123',
  spec: closed({ address: nonEmpty, port: portNumber }),
  columns: [{ title: 'ADDRESS', value: zoneAddress => `${zoneAddress.spec.address}:${zoneAddress.spec.port}` }],
})
export type MeshZoneAddress = ResourceOf<typeof meshZoneAddressKind>
export type MeshZoneAddressSpec = MeshZoneAddress['spec']
