import type { Server, Socket } from 'node:net'
import { isLoopback } from './hosts.ts'

/**
 * Closes whatever one address opens beyond so many connections at once, before a byte of it is read, so that one machine cannot take all
 * of those that the server has. This machine's own are not counted: what runs here shares its address.
 */
export function limitConnections(server: Server, perAddress: number, isExempt: (address: string) => boolean = isOwn): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress
    if (address === undefined || isExempt(address)) return
    const count = (open.get(address) ?? 0) + 1
    if (count > perAddress) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left > 0) open.set(address, left)
      else open.delete(address)
    })
  })
}

/** A server on `::` sees IPv4 addresses as `::ffff:127.0.0.1`. */
function isOwn(address: string): boolean {
  return isLoopback(address.replace(/^::ffff:/, ''))
}
