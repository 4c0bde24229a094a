import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

/** Gives out addresses of 127.0.0.0/8: tasks of one service listen on the same port, each at an address of its own. */
export class LoopbackAddresses {
  readonly #port: number
  // Another demo on this machine has tasks too.
  readonly #network = `127.${randomInt(16, 250)}.${randomInt(1, 250)}`
  #last = 0

  /** @param port on which they must be free */
  constructor(port: number) {
    this.#port = port
  }

  /** Throws when this machine has no such addresses. */
  async next(): Promise<string> {
    for (let tries = 0; tries < 250; tries++) {
      const address = `${this.#network}.${(this.#last++ % 250) + 1}`
      const refused = await listens(address, this.#port)
      if (refused === null) return address
      if (refused === 'EADDRNOTAVAIL')
        throw new Error(`this machine has no address ${address}: give its loopback interface one, with sudo ifconfig lo0 alias ${address}`)
    }
    throw new Error(`port ${this.#port} is taken at every address of ${this.#network}.0/24`)
  }
}

/** null: it could, and does no more. */
function listens(host: string, port: number): Promise<string | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? 'unknown'))
    server.listen(port, host, () => server.close(() => resolve(null)))
  })
}

/** Does something answer there? */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
