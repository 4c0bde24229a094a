import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'

const count = Type.Integer({ minimum: 0 })

/** The Dataplanes that do the same: those with one value of `kuma.io/workload`. */
export const workloadKind = defineKind({
  kind: 'Workload',
  short: 'wl',
  path: 'workloads',
  scope: 'mesh',
  shape: 'spec',
  sync: 'zone',
  naming: 'rfc1035',
  description: 'The Dataplanes that do the same: those with one value of the label kuma.io/workload.',
  example: { name: 'web', spec: {} },
  spec: closed({}),
  status: closed({ dataplaneProxies: Type.Optional(closed({ connected: count, healthy: count, total: count })) }),
  emptyStatus: { dataplaneProxies: { connected: 0, healthy: 0, total: 0 } },
  columns: [
    {
      title: 'HEALTHY',
      value: ({ status }) => `${status?.dataplaneProxies?.healthy ?? 0}/${status?.dataplaneProxies?.total ?? 0}`,
    },
  ],
})
export type Workload = ResourceOf<typeof workloadKind>
export type WorkloadStatus = NonNullable<Workload['status']>
