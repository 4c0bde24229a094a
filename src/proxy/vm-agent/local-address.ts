import { createSocket } from 'node:dgram'
import { ProxyError } from '../proxy-error.ts'

/**
 * The address by which this machine speaks to another: what the routing table says, so no packet is sent and nobody has to listen.
 * @param target HOST:PORT
 */
export async function localAddressTowards(target: string): Promise<string> {
  const { hostname, port } = new URL(`tcp://${target}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      // A name that is not known is told to the callback, and not as an event.
      ;(socket.connect as (port: number, host: string, done: (error?: Error) => void) => void).call(socket, Number(port), host, error =>
        error ? reject(error) : resolve(),
      )
    })
    return socket.address().address
  } catch (cause) {
    const fix = 'give --address, the address by which the zone gateway reaches this machine'
    throw new ProxyError(
      'SKERRY_ADDRESS_UNKNOWN',
      `the address of this machine towards ${target} is not known: ${(cause as Error).message}`,
      fix,
      { cause },
    )
  } finally {
    socket.close()
  }
}
