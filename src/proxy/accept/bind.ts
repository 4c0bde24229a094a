import type { Server } from 'node:net'
import { ListenerBindError } from './bind-error.ts'

/** Opens the port; the server then accepts. Rejects with `ListenerBindError`. */
export function bind(server: Server, listener: { readonly name: string; readonly address: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new ListenerBindError(listener, error))
    server.once('error', fail)
    server.listen({ host: listener.address, port: listener.port, backlog: 1024 }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}
