/**
 * How gRPC's servers ask for their listener: the template stands in the bootstrap, and they put the address that they listen on in its place.
 * https://github.com/grpc/proposal/blob/master/A36-xds-for-servers.md#xds-protocol
 */
const serverPrefix = 'grpc/server?xds.resource.listening_address='

export const serverListenerTemplate = `${serverPrefix}%s`

/** Where a server listens, from the name that it asks with; null = the name asks for something else: a service to call. */
export function serverAddress(listener: string): { readonly address: string; readonly port: number } | null {
  if (!listener.startsWith(serverPrefix)) return null
  const match = /^\[?([^[\]]*?)\]?:(\d{1,5})$/.exec(listener.slice(serverPrefix.length))
  return match && { address: match[1]!, port: Number(match[2]) }
}

/** The services that a gRPC application asks for, of all listeners that it asks for: its own servers are none. */
export function calledNames(listeners: Iterable<string>): Set<string> {
  return new Set([...listeners].filter(name => serverAddress(name) === null))
}
