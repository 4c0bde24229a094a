import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server, ServerCredentials } from '@grpc/grpc-js'

export interface PluginAddress {
  readonly network: 'unix' | 'tcp'
  /** The socket's path, or `127.0.0.1:PORT`. */
  readonly address: string
  /** Takes the socket away. */
  remove(): void
}

/** What a path may have before the socket's own name, so that all of it fits into the 107 bytes of `sun_path`: a longer one is cut
 *  off in silence, and Terraform finds nobody there. */
const LONGEST_DIRECTORY = 90

/** Binds to a socket of our own, or to a port of the loopback interface where the path would be too long or the system has none. */
export async function bindPlugin(server: Server, credentials: ServerCredentials, directory = tmpdir()): Promise<PluginAddress> {
  if (process.platform === 'win32' || Buffer.byteLength(directory) > LONGEST_DIRECTORY) {
    const port = await bind(server, '127.0.0.1:0', credentials)
    return { network: 'tcp', address: `127.0.0.1:${port}`, remove() {} }
  }
  const own = mkdtempSync(join(directory, 'plugin-'))
  const address = join(own, 's')
  await bind(server, `unix:${address}`, credentials)
  return { network: 'unix', address, remove: () => rmSync(own, { recursive: true, force: true }) }
}

function bind(server: Server, target: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => server.bindAsync(target, credentials, (error, port) => (error ? reject(error) : resolve(port))))
}
