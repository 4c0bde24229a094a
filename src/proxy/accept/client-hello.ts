/** What the first bytes of a connection say about where it wants to go. */
export type Hello =
  | { readonly kind: 'incomplete' }
  /** Lower case; null = a ClientHello without a host name. */
  | { readonly kind: 'hello'; readonly sni: string | null }
  | { readonly kind: 'invalid'; readonly reason: string }

/** More than any client sends, post-quantum key shares and all. */
export const MAX_HELLO_BYTES = 16 * 1024 + 5 * 8

const RECORD_HANDSHAKE = 22
const CLIENT_HELLO = 1
const EXTENSION_SERVER_NAME = 0
const HOST_NAME = 0

const invalid = (reason: string): Hello => ({ kind: 'invalid', reason })
const incomplete: Hello = { kind: 'incomplete' }

/** Reads the SNI of a TLS ClientHello that may be split over records, without terminating TLS.
 *  https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2, https://www.rfc-editor.org/rfc/rfc6066#section-3 */
export function readClientHello(bytes: Buffer): Hello {
  const handshake = joinRecords(bytes)
  if (!Buffer.isBuffer(handshake)) return handshake
  if (handshake.length >= 1 && handshake[0] !== CLIENT_HELLO) return invalid('the first TLS message is no ClientHello')
  if (handshake.length < 4) return tooLong(bytes) ?? incomplete
  const length = handshake.readUIntBE(1, 3)
  if (length > MAX_HELLO_BYTES) return invalid('the ClientHello is too large')
  if (handshake.length < 4 + length) return tooLong(bytes) ?? incomplete
  try {
    return { kind: 'hello', sni: serverName(new Reader(handshake.subarray(4, 4 + length))) }
  } catch (error) {
    if (error instanceof RangeError) return invalid('the ClientHello is malformed')
    throw error
  }
}

/** The handshake bytes of the records so far. */
function joinRecords(bytes: Buffer): Buffer | Hello {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== RECORD_HANDSHAKE) return invalid('not TLS')
    if (at + 5 > bytes.length) break
    if (bytes[at + 1] !== 3) return invalid('not TLS')
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > 16 * 1024) return invalid('a TLS record of impossible length')
    parts.push(bytes.subarray(at + 5, at + 5 + length))
    at += 5 + length
    if (parts.length > 16) return invalid('a ClientHello in too many records')
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function tooLong(bytes: Buffer): Hello | null {
  return bytes.length > MAX_HELLO_BYTES ? invalid('the ClientHello is too large') : null
}

function serverName(hello: Reader): string | null {
  hello.skip(2 + 32)
  hello.skip(hello.uint8())
  hello.skip(hello.uint16())
  hello.skip(hello.uint8())
  if (hello.isAtEnd) return null
  const extensions = hello.sub(hello.uint16())
  while (!extensions.isAtEnd) {
    const type = extensions.uint16()
    const extension = extensions.sub(extensions.uint16())
    if (type !== EXTENSION_SERVER_NAME) continue
    const names = extension.sub(extension.uint16())
    while (!names.isAtEnd) {
      const kind = names.uint8()
      const name = names.sub(names.uint16()).rest()
      if (kind === HOST_NAME) return name.toString('latin1').toLowerCase().replace(/\.$/, '')
    }
  }
  return null
}

/** Throws RangeError beyond the end. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  uint8(): number {
    const value = this.#bytes.readUInt8(this.#at)
    this.#at += 1
    return value
  }

  uint16(): number {
    const value = this.#bytes.readUInt16BE(this.#at)
    this.#at += 2
    return value
  }

  skip(length: number): void {
    if (this.#at + length > this.#bytes.length) throw new RangeError('beyond the end')
    this.#at += length
  }

  sub(length: number): Reader {
    const from = this.#at
    this.skip(length)
    return new Reader(this.#bytes.subarray(from, from + length))
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }
}
