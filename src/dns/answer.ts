import { isIPv4, isIPv6 } from 'node:net'
import { rcodes, recordTypes } from './codes.ts'
import { isInternet, type Query } from './query.ts'
import { addressBytes, type DnsRecord, type Response } from './response.ts'

/** Where a name leads. */
export interface NamedEndpoint {
  /** An IP address, or a name that other servers know. */
  readonly address: string
  readonly port: number
  /** Of the service's port, for `_NAME._tcp.…`. */
  readonly portName: string
  readonly protocol: string
  /** The lowest comes first; the others are for when those fail. */
  readonly priority: number
  readonly weight: number
}

export type NamedThing =
  | { readonly kind: 'service'; readonly endpoints: readonly NamedEndpoint[] }
  /** Nothing by itself, but there are names below it. */
  | { readonly kind: 'ancestor' }

/** What this server knows names of. */
export interface NameView {
  /** The zones it speaks for, lower case: what is below them and not known does not exist. Other names are asked elsewhere. */
  readonly apexes: readonly string[]
  /** Rises with every change. */
  readonly serial: number
  /** `name` lower case, without the last dot. */
  lookup(name: string): NamedThing | undefined
}

export interface AnswerOptions {
  readonly ttlSeconds: number
  /** 0 ≤ x < 1: which of equal endpoints comes first. */
  readonly rotation: number
}

/** Addresses as names, for SRV: `0a000005.addr.skerry` is 10.0.0.5. */
export const ADDRESS_APEX = 'addr.skerry'
/** How long it may be remembered that a name has nothing: an instance may come at any time. */
const NEGATIVE_SECONDS = 1
/** Records of one kind in an answer. More tell nobody anything, and fill no message. */
const MOST_RECORDS = 500

/** The answer to a question. Names outside of what the view speaks for are refused: nothing is asked of other servers here. */
export function answer(query: Query, view: NameView, options: AnswerOptions): Response {
  if (!isInternet(query)) return empty(rcodes.REFUSED, false)
  const apex = apexOf(query.name, view)
  const found = find(query.name, view)
  if (apex === undefined && found?.kind !== 'service') return empty(rcodes.REFUSED, false)
  const soa = startOfAuthority(apex ?? parentOf(query.name), view)
  if (!found) return { ...empty(query.name === apex ? rcodes.NOERROR : rcodes.NXDOMAIN, true), ...apexRecords(query, apex, soa) }

  const answers = found.kind === 'ancestor' ? [] : recordsOf(query, found, options)
  if (answers.length === 0) return { ...empty(rcodes.NOERROR, true), ...apexRecords(query, apex, soa) }
  return { ...empty(rcodes.NOERROR, true), answers, additionals: addressesOfTargets(query, answers, options) }
}

function empty(rcode: Response['rcode'], isAuthoritative: boolean): Response {
  return { rcode, isAuthoritative, answers: [], authorities: [], additionals: [] }
}

/** No data, or – asked for it at the apex – the SOA itself. https://www.rfc-editor.org/rfc/rfc2308 */
function apexRecords(query: Query, apex: string | undefined, soa: DnsRecord): Pick<Response, 'answers' | 'authorities'> {
  const isAsked = query.name === apex && (query.type === recordTypes.SOA || query.type === recordTypes.ANY)
  return isAsked ? { answers: [soa], authorities: [] } : { answers: [], authorities: [soa] }
}

interface Found {
  readonly kind: 'service'
  readonly endpoints: readonly NamedEndpoint[]
  /** Only SRV: `_http._tcp.…` is no host. */
  readonly isPort?: boolean
}

function find(name: string, view: NameView): Found | { readonly kind: 'ancestor' } | undefined {
  const address = addressOfName(name)
  if (address !== null) return { kind: 'service', endpoints: [{ address, port: 0, portName: '', protocol: '', priority: 0, weight: 0 }] }
  if (name === ADDRESS_APEX) return { kind: 'ancestor' }
  const direct = view.lookup(name)
  if (direct) return direct
  // RFC 2782: _Service._Proto.Name
  const [, port, base] = /^_([a-z0-9-]+)\._tcp\.(.+)$/.exec(name) ?? []
  const service = base === undefined ? undefined : view.lookup(base)
  if (service?.kind !== 'service')
    return /^_tcp\./.test(name) && view.lookup(name.slice(5))?.kind === 'service' ? { kind: 'ancestor' } : undefined
  const endpoints = service.endpoints.filter(it => it.portName === port || it.protocol === port)
  return endpoints.length > 0 ? { kind: 'service', endpoints, isPort: true } : undefined
}

function recordsOf({ name, type }: Query, { endpoints: all, isPort }: Found, options: AnswerOptions): readonly DnsRecord[] {
  const { ttlSeconds } = options
  const endpoints = all.filter(isUsable)
  switch (type) {
    case recordTypes.A:
    case recordTypes.AAAA: {
      if (isPort) return []
      const nearest = firstTier(endpoints)
      const isWanted = type === recordTypes.A ? isIPv4 : isIPv6
      const addresses = [...new Set(nearest.map(({ address }) => address))]
      // An endpoint that is known by name alone is looked up by the resolver; beside others an alias may not stand.
      const [alias] = addresses
      if (addresses.length === 1 && !isIPv4(alias!) && !isIPv6(alias!)) return [{ name, ttlSeconds, type: 'CNAME', target: hostOf(alias!) }]
      const kind = type === recordTypes.A ? 'A' : 'AAAA'
      return rotate(addresses.filter(isWanted), options).map((address): DnsRecord => ({ name, ttlSeconds, type: kind, address }))
    }
    case recordTypes.SRV:
      return rotate(
        endpoints.filter(({ port }) => port > 0),
        options,
      ).map(
        ({ address, port, priority, weight }): DnsRecord => ({
          name,
          ttlSeconds,
          type: 'SRV',
          priority,
          weight: Math.min(weight, 0xffff),
          port,
          target: nameOfAddress(address),
        }),
      )
    case recordTypes.ANY:
      // https://www.rfc-editor.org/rfc/rfc8482#section-4.2
      return [{ name, ttlSeconds, type: 'HINFO', cpu: 'RFC8482', os: '' }]
    default:
      return []
  }
}

function firstTier(endpoints: readonly NamedEndpoint[]): readonly NamedEndpoint[] {
  const first = Math.min(...endpoints.map(({ priority }) => priority))
  return endpoints.filter(({ priority }) => priority === first)
}

/** Clients mostly take the first: everyone should be first now and then. */
function rotate<T>(all: readonly T[], { rotation }: AnswerOptions): readonly T[] {
  const start = Math.floor(rotation * all.length)
  return [...all.slice(start), ...all.slice(0, start)].slice(0, MOST_RECORDS)
}

function addressesOfTargets({ type }: Query, answers: readonly DnsRecord[], { ttlSeconds }: AnswerOptions): readonly DnsRecord[] {
  if (type !== recordTypes.SRV) return []
  const targets = new Set(answers.flatMap(record => (record.type === 'SRV' ? [record.target] : [])))
  return [...targets].flatMap((name): DnsRecord[] => {
    const address = addressOfName(name)
    return address === null ? [] : [{ name, ttlSeconds, type: isIPv4(address) ? 'A' : 'AAAA', address }]
  })
}

/** A target of SRV must be a name. */
function nameOfAddress(address: string): string {
  if (isIPv4(address) || isIPv6(address)) return `${addressBytes(address).toString('hex')}.${ADDRESS_APEX}`
  return hostOf(address)
}

function addressOfName(name: string): string | null {
  const hex = /^([0-9a-f]{8}|[0-9a-f]{32})\.addr\.skerry$/.exec(name)?.[1]
  if (hex === undefined) return null
  return hex.length === 8 ? Buffer.from(hex, 'hex').join('.') : hex.replace(/(.{4})(?!$)/g, '$1:')
}

function hostOf(address: string): string {
  return address.toLowerCase().replace(/\.$/, '')
}

/** Can it stand in a record? Whoever wrote it may have meant something that is neither an address nor a host name. */
function isUsable({ address }: NamedEndpoint): boolean {
  return isIPv4(address) || isIPv6(address) || /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(hostOf(address))
}

/** The nearest zone that the name is in. */
function apexOf(name: string, { apexes }: NameView): string | undefined {
  const around = apexes.filter(apex => name === apex || name.endsWith(`.${apex}`))
  return around.sort((a, b) => b.length - a.length)[0]
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}

function startOfAuthority(apex: string, { serial }: NameView): DnsRecord {
  return {
    name: apex,
    ttlSeconds: NEGATIVE_SECONDS,
    type: 'SOA',
    server: `ns.${apex}`,
    mailbox: `hostmaster.${apex}`,
    serial,
    minimumSeconds: NEGATIVE_SECONDS,
  }
}
