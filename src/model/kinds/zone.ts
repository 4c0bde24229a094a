import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'

/** A zone that may connect. `enabled: false`: its resources stop going to other zones. */
export const zoneKind = defineKind({
  kind: 'Zone',
  short: 'z',
  path: 'zones',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1035',
  description: 'A zone that may connect to the global control plane. With `enabled: false` its resources stop going to other zones.',
  example: { name: 'aws-1', spec: { enabled: true } },
  spec: closed({ enabled: Type.Optional(Type.Boolean({ description: 'Absent = true.' })) }),
  columns: [{ title: 'ENABLED', value: zone => String(zone.spec.enabled ?? true) }],
})
export type Zone = ResourceOf<typeof zoneKind>
export type ZoneSpec = Zone['spec']
