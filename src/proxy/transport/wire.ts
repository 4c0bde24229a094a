import type { Socket } from 'node:net'
import type { Slab } from './slab.ts'
import { Alarm, type TimerWheel } from './wheel.ts'

/** Who reads a wire. No call comes after `onGone`, which always comes, once. */
export interface WireOwner {
  /** `bytes[0, length)`. On a wire that `sharesBuffer` they are overwritten after the call returns. */
  onBytes(bytes: Buffer, length: number): void
  /** The peer sends no more; it may still read. */
  onEnd(): void
  /** What was written has left, after `send` had said false. */
  onDrained(): void
  onGone(error: Error | null): void
}

/** Reports a defect of ours: the connection that met it is closed, the process goes on. */
export type Faults = (error: unknown) => void

/** Why reading is held back. It goes on when no reason is left. */
export const HELD_BY_SINK = 1
export const HELD_BY_PIPELINE = 2
export const HELD_BY_LOOKUP = 4
export const HELD_BY_BUFFER = 8

/** Time for the peer to read our last answer before the kernel may throw it away. */
const LINGER_MS = 1_000
/** Time for a slow reader to take what is queued. */
const FLUSH_MS = 120_000

const nobody: WireOwner = { onBytes() {}, onEnd() {}, onDrained() {}, onGone() {} }

/** One connection, plain or TLS, over the documented `net` and `tls` interface. */
export class Wire {
  readonly socket: Socket
  readonly encrypted: boolean
  readonly sharesBuffer: boolean
  owner: WireOwner
  gone = false
  readonly #faults: Faults
  readonly #keepsBytes: boolean
  readonly #onData = (bytes: Buffer) => this.received(bytes, bytes.length)
  #holds = 0
  #error: Error | null = null

  /** Takes over a socket that was made with `allowHalfOpen`. Dialled ones deliver bytes by `received` from their `onread`. */
  constructor(
    socket: Socket,
    options: { readonly encrypted: boolean; readonly sharesBuffer: boolean; readonly keepsBytes?: boolean; readonly faults: Faults },
    owner: WireOwner,
  ) {
    this.socket = socket
    this.encrypted = options.encrypted
    this.#keepsBytes = options.keepsBytes ?? options.encrypted
    this.sharesBuffer = options.sharesBuffer
    this.#faults = options.faults
    this.owner = owner
    if (!options.sharesBuffer) socket.on('data', this.#onData)
    socket.on('end', () => this.#guard(() => this.owner.onEnd()))
    socket.on('drain', () => this.#guard(() => this.owner.onDrained()))
    socket.on('error', error => {
      this.#error = error
    })
    socket.on('close', () => {
      if (this.gone) return
      this.gone = true
      this.#guard(() => this.owner.onGone(this.#error))
    })
  }

  received(bytes: Buffer, length: number): void {
    if (this.gone) return
    try {
      this.owner.onBytes(bytes, length)
    } catch (error) {
      this.#fault(error)
    }
  }

  /** Sends bytes that nobody changes any more. False: wait for `onDrained` before sending much more. */
  send(bytes: Buffer): boolean {
    if (this.gone || !this.socket.writable) return true
    return this.socket.write(bytes)
  }

  /** Sends what the slab holds and empties it. */
  sendSlab(slab: Slab): boolean {
    if (slab.length === 0) return true
    if (this.gone || !this.socket.writable) {
      slab.clear()
      return true
    }
    // TLS holds on to what it is given until the next turn of the loop; so do a socket with a backlog and one in memory.
    if (this.#keepsBytes || this.socket.writableLength !== 0) return this.socket.write(slab.take())
    const taken = this.socket.write(slab.view())
    if (this.socket.writableLength !== 0) slab.surrender()
    else slab.clear()
    return taken
  }

  get needsDrain(): boolean {
    return !this.gone && this.socket.writableNeedDrain
  }

  hold(reason: number): void {
    if (this.#holds === 0 && !this.gone) this.socket.pause()
    this.#holds |= reason
  }

  release(reason: number): void {
    if (this.#holds === 0) return
    this.#holds &= ~reason
    if (this.#holds === 0 && !this.gone) this.socket.resume()
  }

  /** Sends FIN after what is queued. */
  end(): void {
    if (!this.gone && this.socket.writable) this.socket.end()
  }

  /** Closes after what is queued has left and the peer had time to read it. The owner hears no more than `onGone`. */
  finish(wheel: TimerWheel): void {
    if (this.gone) return
    const owner = this.owner
    const alarm = new Alarm(() => this.destroy())
    this.owner = {
      onBytes() {},
      onEnd: () => this.destroy(),
      onDrained() {},
      onGone: error => {
        wheel.clear(alarm)
        owner.onGone(error)
      },
    }
    wheel.set(alarm, FLUSH_MS)
    // Destroying a socket with unread bytes resets it, which may take our last answer from the peer's hands: read on until it closes.
    this.socket.once('finish', () => {
      if (!this.gone) wheel.set(alarm, LINGER_MS)
      if (this.socket.readableEnded) this.destroy()
    })
    if (this.socket.writable) this.socket.end()
    else this.destroy()
    this.#holds = 0
    this.socket.resume()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Closes so that the peer cannot take it for an orderly end. Over TLS, leaving out its own closing message says the same. */
  reset(): void {
    if (this.gone) return
    // A reset that follows a FIN fails inside Node and leaves a handle that never closes: the process would not end.
    if (this.encrypted || this.socket.writableEnded) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  /** Gives the socket, paused, to whoever serves it from now on. The owner hears no more. */
  surrender(): Socket {
    this.gone = true
    this.owner = nobody
    this.socket.pause()
    this.socket.off('data', this.#onData)
    return this.socket
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#fault(error)
    }
  }

  #fault(error: unknown): void {
    this.#faults(error)
    this.socket.destroy()
  }
}
