import Type, { type Static } from 'typebox'
import { checkSchema } from '../../model/check-schema.ts'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import { closed, labelMap, nonEmpty, oneOf, portNumber } from '../../model/schema.ts'
import type { Item } from '../adapter.ts'
import { itemOf, leftOut } from '../found.ts'

const port = closed({ name: Type.Optional(nonEmpty), port: portNumber, protocol: Type.Optional(nonEmpty) })

/** An endpoint in the file. */
const entrySchema = closed({
  name: nonEmpty,
  address: nonEmpty,
  /** Of several at one address, what tells them apart; absent = address and ports. */
  id: Type.Optional(nonEmpty),
  namespace: Type.Optional(nonEmpty),
  port: Type.Optional(portNumber),
  protocol: Type.Optional(nonEmpty),
  ports: Type.Optional(Type.Array(port)),
  labels: Type.Optional(labelMap),
  state: Type.Optional(oneOf('ready', 'draining', 'unhealthy')),
  /** 0 = it gets no requests; any other counts as 1. */
  weight: Type.Optional(Type.Integer({ minimum: 0, maximum: 65535 })),
  region: Type.Optional(nonEmpty),
  zone: Type.Optional(nonEmpty),
})

/** Pure. What is wrong with an entry is why it is left out, and costs the others nothing. */
export function translateEntry(entry: unknown, spec: DiscoverySourceSpec): Item {
  const { value, violations } = checkSchema(entrySchema, entry, '', 'refuse')
  if (violations.length > 0) {
    const { name = 'unnamed', address = '' } = (entry ?? {}) as { name?: string; address?: string }
    return leftOut({ id: `${name}@${address}` }, violations.map(({ field, reason }) => `${field}: ${reason}`).join('; '))
  }
  const endpoint = value as Static<typeof entrySchema>
  const { name, address, id, namespace, ports, labels = {}, state = 'ready', weight, region, zone } = endpoint
  const all = [
    ...(endpoint.port === undefined ? [] : [{ port: endpoint.port, name: 'main', protocol: endpoint.protocol }]),
    ...(ports ?? []),
  ]
  return itemOf(
    { id: id ?? `${name}@${address}:${all.map(it => it.port).join(',')}` },
    {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      address,
      ports: all,
      state,
      ...(weight === undefined ? {} : { weight }),
      locality: { ...(region === undefined ? {} : { region }), ...(zone === undefined ? {} : { zone }) },
    },
    spec,
  )
}
