import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { type Address, formatAddress } from '../std/option-value.ts'
import { isLoopback } from './hosts.ts'

export class ListenError extends Error {
  override name = 'ListenError'
  readonly code: 'SKERRY_API_NEEDS_TLS' | 'SKERRY_PORT_TAKEN' | 'SKERRY_CANNOT_LISTEN'
  constructor(code: ListenError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Listening {
  readonly url: string
  /** The one chosen, where 0 was asked for. */
  readonly port: number
}

/** Binds the API. Tokens never cross a network in the clear: what is not loopback needs TLS, or does not start. */
export async function listenApi(app: FastifyInstance, address: Address): Promise<Listening> {
  const isTls = 'setSecureContext' in app.server
  if (!isTls && !isLoopback(address.host)) {
    throw new ListenError(
      'SKERRY_API_NEEDS_TLS',
      `the API on ${formatAddress(address)} would be reachable from other machines without TLS: turn TLS on, or listen on 127.0.0.1`,
    )
  }
  try {
    await app.listen({ host: address.host, port: address.port })
  } catch (error) {
    throw cannotListen(address, error as NodeJS.ErrnoException)
  }
  const { port } = app.server.address() as AddressInfo
  return { url: `${isTls ? 'https' : 'http'}://${formatAddress({ host: reachable(address.host), port })}`, port }
}

/** Where a client on this machine finds what listens on every interface. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}

function cannotListen(address: Address, error: NodeJS.ErrnoException): Error {
  const where = formatAddress(address)
  if (error.code === 'EADDRINUSE') {
    return new ListenError(
      'SKERRY_PORT_TAKEN',
      `--api ${where}: another program has this port: stop it, or choose another one (port 0 takes any free one)`,
      { cause: error },
    )
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EACCES' || error.code === 'ENOTFOUND') {
    return new ListenError(
      'SKERRY_CANNOT_LISTEN',
      `--api ${where}: cannot listen there (${error.code}): use an address of this machine and a port above 1023`,
      { cause: error },
    )
  }
  return error
}
