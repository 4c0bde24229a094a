import type { SniHandler, WeightedRef } from '../compile/table.ts'
import { Alarm, type TimerWheel } from '../transport/wheel.ts'
import type { Wire, WireOwner } from '../transport/wire.ts'
import { readClientHello } from './client-hello.ts'

const HELLO_MS = 10_000

/** A connection that has not yet said where it wants to go. */
export class SniConnection implements WireOwner {
  readonly wire: Wire
  readonly #handler: () => SniHandler
  readonly #wheel: TimerWheel
  readonly #alarm: Alarm
  readonly #onKnown: (wire: Wire, sni: string, clusters: readonly WeightedRef[], early: Buffer) => void
  readonly #onRefused: (reason: string) => void
  #early: Buffer = Buffer.alloc(0)
  #isOver = false

  constructor(
    wire: Wire,
    options: {
      readonly handler: () => SniHandler
      readonly wheel: TimerWheel
      readonly onKnown: (wire: Wire, sni: string, clusters: readonly WeightedRef[], early: Buffer) => void
      readonly onRefused: (reason: string) => void
    },
  ) {
    this.wire = wire
    this.#handler = options.handler
    this.#wheel = options.wheel
    this.#onKnown = options.onKnown
    this.#onRefused = options.onRefused
    this.#alarm = new Alarm(() => this.#refuse('no ClientHello in time'))
    this.#wheel.set(this.#alarm, HELLO_MS)
    wire.owner = this
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.#isOver) return
    this.#early = Buffer.concat([this.#early, bytes.subarray(0, length)])
    const hello = readClientHello(this.#early)
    switch (hello.kind) {
      case 'incomplete':
        return
      case 'invalid':
        this.#refuse(hello.reason)
        return
      case 'hello': {
        const clusters = hello.sni === null ? undefined : this.#handler().chains.get(hello.sni)
        if (clusters === undefined) {
          this.#refuse(`no service for SNI '${hello.sni ?? ''}'`)
          return
        }
        this.#over()
        this.#onKnown(this.wire, hello.sni!, clusters, this.#early)
      }
    }
  }

  onEnd(): void {
    this.#refuse('closed before a ClientHello')
  }

  onDrained(): void {}

  onGone(): void {
    this.#refuse('closed before a ClientHello')
  }

  close(): void {
    this.#refuse('the listener is closing')
  }

  #refuse(reason: string): void {
    if (this.#isOver) return
    this.#over()
    this.wire.destroy()
    this.#onRefused(reason)
  }

  #over(): void {
    this.#isOver = true
    this.#wheel.clear(this.#alarm)
  }
}
