import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** One address behind which a test puts now this server, now that one; as a load balancer does, it knows only connections. */
export class TcpSwitch {
  /** HOST:PORT. New connections go there. */
  target: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start(target: string): Promise<TcpSwitch> {
    const front = new TcpSwitch(target)
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    return front
  }

  private constructor(target: string) {
    this.target = target
    this.#server = createServer(client => {
      const [host, port] = this.target.split(':')
      const server = connect(Number(port), host)
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
        from.pipe(to)
      }
    })
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
