import type { MessageStream } from '../std/message-stream.ts'

export interface Reading {
  readonly onSent?: (message: Uint8Array) => void
  readonly onReceived?: (message: Uint8Array) => void
}

interface Heard {
  readonly before?: ((message: Uint8Array) => void) | undefined
  readonly after?: ((message: Uint8Array) => void) | undefined
}

/**
 * Joins a stream that was opened here to one that is opened for it, message by message, until either ends; the other then ends the same way.
 * Who reads along is told of each message that went away from here, and of each before it is passed on to here. Never rejects.
 */
export async function relay(
  near: MessageStream,
  connect: (signal: AbortSignal) => Promise<MessageStream>,
  { onSent, onReceived }: Reading = {},
): Promise<void> {
  const gone = new AbortController()
  void near.closed.then(() => gone.abort())
  let far: MessageStream
  try {
    far = await connect(gone.signal)
  } catch (error) {
    near.end({ code: 'UNAVAILABLE', message: (error as Error).message })
    return
  }
  void near.closed.then(status => far.end(status))
  void far.closed.then(status => near.end(status.code === 'OK' ? { code: 'UNAVAILABLE', message: 'the zone ended the stream' } : status))
  await Promise.all([pass(near, far, { after: onSent }), pass(far, near, { before: onReceived })])
}

/** A broken stream is told by its status. */
async function pass(from: MessageStream, to: MessageStream, { before, after }: Heard): Promise<void> {
  try {
    for await (const message of from.messages) {
      before?.(message)
      if (!to.send(message)) await to.drained()
      after?.(message)
    }
  } catch {
    to.end(await from.closed)
  }
}
