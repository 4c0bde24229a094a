import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { TlsMaterial } from './tls-material.ts'
import { type Faults, Wire, type WireOwner } from './wire.ts'

/** Everything that arrives on a dialled connection lands here, and is consumed before the callback returns. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

export interface DialTarget {
  readonly address: string
  readonly port: number
  readonly tls: { readonly sni: string; readonly allowedIds: ReadonlySet<string>; readonly alpn: readonly string[] } | null
  /** What is called is in this process: connections to it are made by itself, and the address is for people. */
  readonly local?: { connect(): Duplex }
}

/** After `onReady` the wire may be written to; a refusal or loss before that is only `onGone`. */
export interface DialOwner extends WireOwner {
  onReady(): void
}

/** The peer proved to be somebody else than who was called. */
export class WrongPeerError extends Error {
  override name = 'WrongPeerError'
  readonly code = 'SKERRY_WRONG_PEER'
}

/** Why no connection can even be tried. */
export class NoIdentityError extends Error {
  override name = 'NoIdentityError'
  readonly code = 'SKERRY_NO_IDENTITY'
  constructor() {
    super('this proxy holds no certificate yet: check that its agent is connected to the zone')
  }
}

const MAX_SNI = 253

/** Connects. Over TLS: with our certificate, and only to a peer whose SPIFFE ID is one of `allowedIds`. */
export function dial(target: DialTarget, tls: TlsMaterial, faults: Faults, owner: DialOwner): Wire {
  const ready = (wire: Wire) => {
    if (wire.gone) return
    try {
      owner.onReady()
    } catch (error) {
      faults(error)
      wire.destroy()
    }
  }
  if (target.local) {
    // Of a socket's own members none is used but what any stream has.
    const socket = target.local.connect() as Socket
    const local = new Wire(socket, { encrypted: false, sharesBuffer: false, keepsBytes: true, faults }, owner)
    queueMicrotask(() => ready(local))
    return local
  }
  const onread = {
    buffer: shared,
    callback(length: number): boolean {
      wire.received(shared, length)
      return true
    },
  }
  const socket = openSocket(target, tls, { onread }, () => ready(wire))
  const wire: Wire = new Wire(socket, { encrypted: target.tls !== null, sharesBuffer: true, faults }, owner)
  return wire
}

/** A connection as Node gives it, under the same rules. `onReady`: it may be written to, and its peer is who was called. */
export function openSocket(
  target: Omit<DialTarget, 'local'>,
  tls: TlsMaterial,
  more: { readonly onread?: OnReadOpts; readonly allowHalfOpen?: boolean },
  onReady: (socket: Socket) => void,
): Socket {
  const options = {
    host: target.address,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    allowHalfOpen: true,
    ...more,
  }
  if (target.tls === null) {
    const socket = connectTcp(options)
    return socket.once('connect', () => onReady(socket))
  }
  const { sni, allowedIds, alpn } = target.tls
  const context = tls.clientContext()
  if (context === null) throw new NoIdentityError()
  const secured: TLSSocket = connectTls({
    ...options,
    secureContext: context,
    rejectUnauthorized: true,
    // The name in the certificate is a URI that Node does not check; `secureConnect` does, before a byte is sent.
    checkServerIdentity: () => undefined,
    ...(sni === '' || isIP(sni) !== 0 || sni.length > MAX_SNI ? {} : { servername: sni }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  })
  return secured.once('secureConnect', () => {
    const { verdict } = tls.judge(secured)
    if (verdict.kind === 'refused') secured.destroy(new WrongPeerError(verdict.reason))
    else if (!allowedIds.has(verdict.peer.uri))
      secured.destroy(new WrongPeerError(`the peer is ${verdict.peer.uri}, not the service that was called`))
    else onReady(secured)
  })
}
