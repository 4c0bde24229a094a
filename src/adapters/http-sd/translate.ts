import { isObject } from '../../model/is-object.ts'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'
import { textOf, textsOf } from '../json.ts'

/** Labels that say the service where `mapping` does not: what people call it there. */
const serviceLabels = ['service', 'job', 'app', '__meta_service', '__meta_job']

/** A group of targets with labels in common. Pure. */
export function translateGroup(group: unknown, spec: DiscoverySourceSpec): Item[] {
  if (!isObject(group) || !Array.isArray(group.targets)) return [leftOut({ id: 'unreadable' }, 'a group has no list of targets')]
  const labels = textsOf(group.labels)
  return group.targets.map(target => translateTarget(textOf(target) ?? '', labels, spec))
}

function translateTarget(target: string, labels: Readonly<Record<string, string>>, spec: DiscoverySourceSpec): Item {
  const [, ipv6, host = '', port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(target) ?? []
  const address = ipv6 ?? host
  if (address === '') return leftOut({ id: target }, `${JSON.stringify(target)} is no target: write it as 10.0.0.5:8080`)
  return itemOf(
    { id: target },
    {
      name: address,
      labels,
      services: serviceLabels.map(label => labels[label]),
      address,
      ports: port === undefined ? [] : [{ port: Number(port), name: 'main' }],
      state: 'ready',
      locality: {},
      facts: { target },
    },
    spec,
  )
}
