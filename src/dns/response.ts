import { isIPv4, isIPv6 } from 'node:net'
import { classes, type Rcode, rcodes, recordTypes } from './codes.ts'
import type { Query } from './query.ts'

/** A record of an answer. `name` is lower case, without the last dot. */
export type DnsRecord = { readonly name: string; readonly ttlSeconds: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | { readonly type: 'SRV'; readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
  | { readonly type: 'HINFO'; readonly cpu: string; readonly os: string }
  | {
      readonly type: 'SOA'
      readonly server: string
      readonly mailbox: string
      readonly serial: number
      readonly minimumSeconds: number
    }
)

export interface Response {
  readonly rcode: Rcode
  /** Is the name in a zone that this server speaks for? */
  readonly isAuthoritative: boolean
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  /** Left out where there is no room. */
  readonly additionals: readonly DnsRecord[]
}

/** What this server takes in one datagram, and the most that it sends in one: what crosses every network whole. https://www.dnsflagday.net/2020/ */
export const EDNS_PAYLOAD_BYTES = 1232
const OPT_BYTES = 11

/**
 * The answer as bytes, at most `limitBytes` of them: what does not fit is left out and, unless it was additional, the answer says that it
 * is cut off, so that the resolver asks again over TCP. Names are compressed. https://www.rfc-editor.org/rfc/rfc1035#section-4.1.4
 */
export function writeResponse(query: Query, response: Response, limitBytes: number): Buffer {
  const { rcode, isAuthoritative } = response
  const out = new MessageWriter(limitBytes - (query.edns ? OPT_BYTES : 0))
  out.header(query.id, 0x8000 | (isAuthoritative ? 0x400 : 0) | (query.recursionDesired ? 0x100 : 0) | (rcode & 0xf))
  out.question(query)
  const isWhole = out.section(6, response.answers) && out.section(8, response.authorities)
  if (isWhole) out.section(10, response.additionals)
  else out.truncated()
  return out.end(query.edns !== null, rcode)
}

/** The answer to a message that is no question that can be answered. */
export function writeRefusal(refusal: {
  readonly id: number
  readonly opcode: number
  readonly rcode: Rcode
  readonly recursionDesired: boolean
  readonly hasEdns: boolean
  readonly question?: Uint8Array
}): Buffer {
  const out = new MessageWriter(512)
  out.header(refusal.id, 0x8000 | (refusal.opcode << 11) | (refusal.recursionDesired ? 0x100 : 0) | (refusal.rcode & 0xf))
  if (refusal.question) out.question({ question: refusal.question, name: '' })
  return out.end(refusal.hasEdns, refusal.rcode)
}

class MessageWriter {
  readonly #limit: number
  readonly #places = new Map<string, number>()
  #buffer: Buffer
  #length = 12

  constructor(limit: number) {
    this.#limit = limit
    this.#buffer = Buffer.alloc(Math.min(limit, 1500) + OPT_BYTES)
  }

  header(id: number, flags: number): void {
    this.#buffer.writeUInt16BE(id, 0)
    this.#buffer.writeUInt16BE(flags, 2)
  }

  question({ question, name }: Pick<Query, 'question' | 'name'>): void {
    this.#reserve(question.length)
    this.#buffer.set(question, this.#length)
    this.#remember(name, this.#length)
    this.#length += question.length
    this.#buffer.writeUInt16BE(1, 4)
  }

  /** Adds records as long as there is room. `countAt`: where the header counts them. false = not all are in. */
  section(countAt: number, records: readonly DnsRecord[]): boolean {
    let count = 0
    for (const record of records) {
      const before = this.#length
      this.#record(record)
      if (this.#length > this.#limit) {
        this.#length = before
        this.#forgetAfter(before)
        break
      }
      count++
    }
    this.#buffer.writeUInt16BE(this.#buffer.readUInt16BE(countAt) + count, countAt)
    return count === records.length
  }

  truncated(): void {
    this.#buffer.writeUInt16BE(this.#buffer.readUInt16BE(2) | 0x200, 2)
  }

  end(hasEdns: boolean, rcode: Rcode): Buffer {
    if (hasEdns) {
      this.#reserve(OPT_BYTES)
      this.#byte(0)
      this.#uint16(recordTypes.OPT)
      this.#uint16(EDNS_PAYLOAD_BYTES)
      this.#byte(rcode >> 4)
      this.#byte(0)
      this.#uint16(0)
      this.#uint16(0)
      this.#buffer.writeUInt16BE(this.#buffer.readUInt16BE(10) + 1, 10)
    }
    return this.#buffer.subarray(0, this.#length)
  }

  #record(record: DnsRecord): void {
    // A record is never longer: four names of 255 bytes and a few numbers.
    this.#reserve(1100)
    this.#name(record.name)
    this.#uint16(recordTypes[record.type])
    this.#uint16(classes.IN)
    this.#uint32(record.ttlSeconds)
    const lengthAt = this.#length
    this.#uint16(0)
    this.#data(record)
    this.#buffer.writeUInt16BE(this.#length - lengthAt - 2, lengthAt)
  }

  #data(record: DnsRecord): void {
    switch (record.type) {
      case 'A':
      case 'AAAA':
        this.#bytes(addressBytes(record.address))
        return
      case 'CNAME':
        this.#name(record.target)
        return
      case 'SRV':
        this.#uint16(record.priority)
        this.#uint16(record.weight)
        this.#uint16(record.port)
        // RFC 2782: not compressed.
        this.#name(record.target, false)
        return
      case 'HINFO':
        for (const text of [record.cpu, record.os]) {
          this.#byte(text.length)
          this.#bytes(Buffer.from(text, 'latin1'))
        }
        return
      case 'SOA':
        this.#name(record.server)
        this.#name(record.mailbox)
        for (const seconds of [record.serial >>> 0, 7200, 1800, 86_400, record.minimumSeconds]) this.#uint32(seconds)
        return
      default:
        record satisfies never
    }
  }

  #name(name: string, mayPoint = true): void {
    let rest = name
    while (rest !== '') {
      const place = this.#places.get(rest)
      if (place !== undefined && mayPoint) {
        this.#uint16(0xc000 | place)
        return
      }
      if (place === undefined && this.#length < 0x4000) this.#places.set(rest, this.#length)
      const dot = rest.indexOf('.')
      const label = dot < 0 ? rest : rest.slice(0, dot)
      const bytes = labelBytes(label)
      this.#byte(bytes.length)
      this.#bytes(bytes)
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
    this.#byte(0)
  }

  #remember(name: string, start: number): void {
    let at = start
    for (let rest = name; rest !== ''; ) {
      this.#places.set(rest, at)
      const dot = rest.indexOf('.')
      at += this.#buffer[at]! + 1
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
  }

  /** What a record that was taken back would have been pointed to. */
  #forgetAfter(length: number): void {
    for (const [name, place] of this.#places) if (place >= length) this.#places.delete(name)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes + OPT_BYTES <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes + OPT_BYTES))
    this.#buffer.copy(larger)
    this.#buffer = larger
  }

  #byte(value: number): void {
    this.#buffer[this.#length++] = value
  }

  #uint16(value: number): void {
    this.#length = this.#buffer.writeUInt16BE(value, this.#length)
  }

  #uint32(value: number): void {
    this.#length = this.#buffer.writeUInt32BE(value, this.#length)
  }

  #bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }
}

function labelBytes(label: string): Buffer {
  return Buffer.from(
    label.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(Number(code))),
    'latin1',
  )
}

/** 4 or 16 bytes. Throws RangeError for what is no address. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  if (!isIPv6(address)) throw new RangeError(`${JSON.stringify(address)} is no IP address`)
  const [plain = ''] = address.split('%')
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain)
  const hex = dotted
    ? `${dotted[1]}${addressBytes(dotted[2]!)
        .toString('hex')
        .replace(/^(.{4})/, '$1:')}`
    : plain
  const [left = '', right] = hex.split('::')
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groupsOf(left), right === undefined ? [] : groupsOf(right)]
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(groups.map(group => group.padStart(4, '0')).join(''), 'hex')
}

/** SERVFAIL for a question that could be read. */
export const failure: Response = { rcode: rcodes.SERVFAIL, isAuthoritative: false, answers: [], authorities: [], additionals: [] }
