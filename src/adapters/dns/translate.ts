import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item } from '../adapter.ts'
import { itemOf } from '../found.ts'

export type DnsName = NonNullable<DiscoverySourceSpec['dns']>['names'][number]

/** An address, and of SRV what stands beside it. https://www.rfc-editor.org/rfc/rfc2782 */
export interface DnsRecord {
  readonly address: string
  readonly target: string
  readonly port?: number
  readonly weight?: number
}

/** Pure. */
export function translateRecord({ name, type, port, service }: DnsName, record: DnsRecord, spec: DiscoverySourceSpec): Item {
  const number = record.port ?? port ?? spec.defaults?.port
  return itemOf(
    { id: `${record.address}:${number ?? ''}` },
    {
      name,
      labels: {},
      // `_http._tcp.web.example.com` is about web.
      services: [service, name.split('.').find(label => !label.startsWith('_'))],
      address: record.address,
      ports: number === undefined ? [] : [{ port: number, name: 'main' }],
      state: 'ready',
      locality: {},
      ...(record.weight === undefined || record.weight === 0 ? {} : { weight: record.weight }),
      facts: { record: type, target: record.target },
    },
    spec,
  )
}
