import type { AddressInfo, Server } from 'node:net'
import { type Address, formatAddress } from './option-value.ts'

export class PortTakenError extends Error {
  override name = 'PortTakenError'
  readonly code = 'SKERRY_PORT_TAKEN'
  readonly address: Address
  readonly flag: string
  constructor(address: Address, flag: string, cause?: unknown) {
    super(
      `${formatAddress(address)} is taken by another process: stop it, or choose another port with ${flag} (port 0 takes any free one)`,
      { cause },
    )
    this.address = address
    this.flag = flag
  }
}

/** The address cannot be listened on for another reason: not this machine's, or a port below 1024 without the right. */
export class ListenError extends Error {
  override name = 'ListenError'
  readonly code = 'SKERRY_CANNOT_LISTEN'
  readonly address: Address
  constructor(address: Address, flag: string, cause: Error) {
    super(`cannot listen on ${formatAddress(address)} (${cause.message}): choose another address with ${flag}`, { cause })
    this.address = address
  }
}

/** Starts listening; answers with the address that was bound. `flag` is what the user gave the address with, for the error. */
export function listen(server: Server, address: Address, flag: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(describeListenError(error, address, flag))
    server.once('error', fail)
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', fail)
      const bound = server.address() as AddressInfo
      resolve({ host: address.host, port: bound.port })
    })
  })
}

/** For servers that do their own listening. */
export function describeListenError(error: Error, address: Address, flag: string): Error {
  const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
  return taken ? new PortTakenError(address, flag, error) : new ListenError(address, flag, error)
}
