import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { TlsMaterial } from './tls-material.ts'
import { type Faults, Wire, type WireOwner } from './wire.ts'

/** Everything that arrives on a dialled connection lands here, and is consumed before the callback returns. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

export interface DialTarget {
  readonly address: string
  readonly port: number
  readonly tls: { readonly sni: string; readonly allowedIds: ReadonlySet<string>; readonly alpn: readonly string[] } | null
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
  const options = {
    host: target.address,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      callback(length: number): boolean {
        wire.received(shared, length)
        return true
      },
    },
  }
  const ready = () => {
    if (wire.gone) return
    try {
      owner.onReady()
    } catch (error) {
      faults(error)
      wire.destroy()
    }
  }
  let socket: Socket
  if (target.tls === null) socket = connectTcp(options).once('connect', ready)
  else {
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
    socket = secured.once('secureConnect', () => {
      const { verdict } = tls.judge(secured)
      if (verdict.kind === 'refused') secured.destroy(new WrongPeerError(verdict.reason))
      else if (!allowedIds.has(verdict.peer.uri))
        secured.destroy(new WrongPeerError(`the peer is ${verdict.peer.uri}, not the service that was called`))
      else ready()
    })
  }
  const wire = new Wire(socket, { encrypted: target.tls !== null, sharesBuffer: true, faults }, owner)
  return wire
}
