import { type Connection, type DataplaneFacts, unknownDataplane } from '../derive/facts.ts'
import type { Hello } from '../gen/skerry/agent/v1/agent_pb.js'

const rememberedConnections = 5

/** What a proxy says of itself first. */
type Opening = Pick<Hello, 'instanceId' | 'version' | 'engine' | 'certificateNotAfterMs'>

/** The facts of a proxy whose stream opens. Another process has nothing of what the one before had; the same process tells again what it has. */
export function connected(
  hello: Opening,
  known: DataplaneFacts | undefined,
  { now, controlPlaneId, tokenNotAfterMs }: { readonly now: number; readonly controlPlaneId: string; readonly tokenNotAfterMs?: number },
): DataplaneFacts {
  const current = known ?? unknownDataplane
  const isSameProcess = current.instanceId === hello.instanceId
  const connection: Connection = { id: `${hello.instanceId}-${now}`, controlPlaneId, connectedAtMs: now, disconnectedAtMs: null }
  return {
    // A process that drains has not changed its mind because its connection broke.
    ...(isSameProcess ? current : { ...unknownDataplane, exchanges: current.exchanges }),
    connections: [...closed(current.connections, now), connection].slice(-rememberedConnections),
    instanceId: hello.instanceId,
    version: hello.version,
    engine: hello.engine,
    certificate: heldCertificate(hello, current, now),
    ...(tokenNotAfterMs === undefined ? {} : { tokenNotAfterMs }),
  }
}

/** … and of one whose stream is over. */
export function disconnected(facts: DataplaneFacts, now: number): DataplaneFacts {
  return { ...facts, connections: closed(facts.connections, now), bound: new Set() }
}

/** A proxy that comes back holds what another process of this control plane, or this one before, signed for it. */
function heldCertificate(hello: Opening, current: DataplaneFacts, now: number): DataplaneFacts['certificate'] {
  const notAfterMs = Number(hello.certificateNotAfterMs)
  if (notAfterMs <= now) return null
  return current.certificate?.notAfterMs === notAfterMs
    ? current.certificate
    : { issuedAtMs: 0, notAfterMs, issuer: '', root: '', issued: 0 }
}

function closed(connections: readonly Connection[], now: number): readonly Connection[] {
  return connections.map(connection => (connection.disconnectedAtMs === null ? { ...connection, disconnectedAtMs: now } : connection))
}
