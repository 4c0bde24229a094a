import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, described, nonEmpty, portNumber } from '../schema.ts'

/** Where the proxies of other zones reach this zone's gateway. */
export const meshZoneAddressKind = defineKind({
  kind: 'MeshZoneAddress',
  short: 'mza',
  path: 'meshzoneaddresses',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1123',
  description: "Where the proxies of other zones reach this zone's gateway.",
  example: { name: 'east', spec: { address: '203.0.113.7', port: 10001 } },
  spec: closed({ address: described(nonEmpty, 'Where other zones reach the gateway: an IP address or a host name.'), port: portNumber }),
  columns: [{ title: 'ADDRESS', value: zoneAddress => `${zoneAddress.spec.address}:${zoneAddress.spec.port}` }],
})
export type MeshZoneAddress = ResourceOf<typeof meshZoneAddressKind>
export type MeshZoneAddressSpec = MeshZoneAddress['spec']
