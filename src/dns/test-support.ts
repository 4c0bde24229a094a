import { decode, encode, type Packet } from 'dns-packet'
import { answer, type NamedThing, type NameView } from './answer.ts'
import { readQuery } from './query.ts'
import { writeResponse } from './response.ts'

/** A view of these names under `mesh.local` and `skerry`. */
export function aView(names: Readonly<Record<string, NamedThing>>): NameView {
  return { apexes: ['mesh.local', 'skerry'], serial: 7, lookup: name => (Object.hasOwn(names, name) ? names[name] : undefined) }
}

export function anEndpoint(address: string, over: object = {}) {
  return { address, port: 8080, portName: 'http', protocol: 'http', priority: 0, weight: 1, ...over }
}

/** What a resolver that another project wrote makes of our answer to its question. */
export function ask(
  view: NameView,
  name: string,
  type: string,
  { limit = 65_535, rotation = 0, edns = false }: { limit?: number; rotation?: number; edns?: boolean } = {},
): Packet & { readonly bytes: Buffer; readonly rcode: string } {
  const asked = encode({
    type: 'query',
    id: 4711,
    flags: 0x100,
    questions: [{ type: type as 'A', name }],
    additionals: edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as never] : [],
  })
  const read = readQuery(asked)
  if (read.kind !== 'query') throw new Error(`the question could not be read: ${JSON.stringify(read)}`)
  const bytes = writeResponse(read.query, answer(read.query, view, { ttlSeconds: 5, rotation }), limit)
  return { ...(decode(bytes) as unknown as Packet & { rcode: string }), bytes }
}
