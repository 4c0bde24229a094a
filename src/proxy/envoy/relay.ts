import type { MessageStream } from '../../std/message-stream.ts'

/**
 * Joins a stream that was opened here to one that is opened for it, message by message, until either ends; the other then ends the same way.
 * `onSent` is told of each message that goes away from here. Never rejects.
 */
export async function relay(
  near: MessageStream,
  connect: (signal: AbortSignal) => Promise<MessageStream>,
  onSent: () => void = () => {},
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
  await Promise.all([pass(near, far, onSent), pass(far, near)])
}

/** A broken stream is told by its status. */
async function pass(from: MessageStream, to: MessageStream, onMessage: () => void = () => {}): Promise<void> {
  try {
    for await (const message of from.messages) {
      if (!to.send(message)) await to.drained()
      onMessage()
    }
  } catch {
    to.end(await from.closed)
  }
}
