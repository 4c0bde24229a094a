import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, nonEmpty } from '../schema.ts'

/** Ours: how much of a MeshService its zone can serve now, for the callers of other zones. Named as the service. */
export const serviceCapacityKind = defineKind({
  kind: 'ServiceCapacity',
  short: 'scap',
  path: 'servicecapacities',
  scope: 'mesh',
  shape: 'spec',
  sync: 'forwarded',
  naming: 'rfc1035',
  description: 'How much of a MeshService its zone can serve now, for the callers of other zones.',
  example: { name: 'backend', spec: { service: 'backend', healthy: 3, total: 4, weight: 3 } },
  spec: closed({
    /** Display name of the MeshService of the same zone. */
    service: nonEmpty,
    /** Instances that are ready. */
    healthy: Type.Integer({ minimum: 0 }),
    total: Type.Integer({ minimum: 0 }),
    /** Sum of the ready instances' weights. */
    weight: Type.Integer({ minimum: 0 }),
  }),
  readOnly: true,
  columns: [
    { title: 'SERVICE', value: capacity => capacity.spec.service },
    { title: 'HEALTHY', value: capacity => `${capacity.spec.healthy}/${capacity.spec.total}` },
    { title: 'WEIGHT', value: capacity => String(capacity.spec.weight) },
  ],
})
export type ServiceCapacity = ResourceOf<typeof serviceCapacityKind>
export type ServiceCapacitySpec = ServiceCapacity['spec']
