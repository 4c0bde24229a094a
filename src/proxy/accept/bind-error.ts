/** A listener of the configuration that cannot be opened. */
export class ListenerBindError extends Error {
  override name = 'ListenerBindError'
  readonly code: 'SKERRY_LISTENER_PORT_TAKEN' | 'SKERRY_LISTENER_CANNOT_BIND'
  readonly listener: string
  readonly address: string
  readonly port: number

  constructor(listener: { readonly name: string; readonly address: string; readonly port: number }, cause: Error) {
    const place = `${listener.address.includes(':') ? `[${listener.address}]` : listener.address}:${listener.port}`
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    super(
      isTaken
        ? `listener ${listener.name}: ${place} is in use by another process: stop it, or give the listener another port`
        : `listener ${listener.name}: cannot listen on ${place} (${cause.message}): give it an address and port that this proxy may use`,
      { cause },
    )
    this.code = isTaken ? 'SKERRY_LISTENER_PORT_TAKEN' : 'SKERRY_LISTENER_CANNOT_BIND'
    this.listener = listener.name
    this.address = listener.address
    this.port = listener.port
  }
}
