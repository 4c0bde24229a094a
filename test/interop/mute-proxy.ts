import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes TCP on to an address; when told to be mute, requests still arrive there and answers are lost. */
export class MuteProxy {
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  isMute = false

  static async start(target: string): Promise<MuteProxy> {
    const { hostname, port } = new URL(target)
    const proxy: { current?: MuteProxy } = {}
    const server = createServer(client => proxy.current!.#pass(client, connect(Number(port), hostname)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    proxy.current = new MuteProxy(server)
    return proxy.current
  }

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', bytes => server.write(bytes))
    server.on('data', bytes => {
      if (!this.isMute) client.write(bytes)
    })
  }
}
