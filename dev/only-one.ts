import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Holds a data directory for one demo at a time, as a socket that a live process listens on: one that was killed holds nothing, whatever
 * files it left and whoever has its pid now. Resolves to null when another demo has it.
 */
export async function holdAlone(dataDir: string): Promise<{ release(): Promise<void> } | null> {
  const path = socketPath(dataDir)
  let server = await listen(path)
  if (!server && !(await answers(path))) {
    await rm(path, { force: true })
    server = await listen(path)
  }
  return server && { release: () => new Promise(done => server.close(() => done())) }
}

/** In the directory itself; elsewhere when that would be longer than an address of a socket may be (104 bytes on macOS). */
function socketPath(dataDir: string): string {
  const inside = join(dataDir, 'demo.sock')
  return Buffer.byteLength(inside) < 100
    ? inside
    : join(tmpdir(), `skerry-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/** null: something is there already. */
function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', error => ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen(path, () => {
      // What it holds must not keep a process that has nothing else to do.
      server.unref()
      resolve(server)
    })
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
