import { kinds } from '../model/kinds/index.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream, StreamStatus } from '../std/message-stream.ts'
import { serveDiscovery } from '../xds/ads-server.ts'
import { DeltaClient } from '../xds/delta-client.ts'
import { plainTypes, type ResourceTypes } from '../xds/resource-types.ts'
import type { Acknowledged, Refused } from '../xds/subscription.ts'
import type { Inbox, Refusal } from './inbox.ts'
import type { Outbox } from './outbox.ts'

/** What the zone dials. In both directions of KDSSyncService the names say which way resources go. */
export const sessionPath = '/skerry.sync.v1.ZoneSession/Connect'
export const globalToZonePath = '/kuma.mesh.v1alpha1.KDSSyncService/GlobalToZoneSync'
export const zoneToGlobalPath = '/kuma.mesh.v1alpha1.KDSSyncService/ZoneToGlobalSync'

/** Metadata of all three: the process that dials, new with every start. It names nobody: who the zone is, its token says. */
export const instanceHeader = 'skerry-instance'
/** The zone that the dialling process takes itself for: only compared with what the token says, so that a mix-up is told at once. */
export const zoneHeader = 'skerry-zone'

const rankOfKind = new Map(kinds.map(({ kind }, rank) => [kind, rank]))

/** Type URLs are kinds; what others rest on travels first. */
const syncTypes: ResourceTypes = {
  get: kind => ({ ...plainTypes.get(kind), order: rankOfKind.get(kind) ?? kinds.length }),
}

/** A response is applied in one go: some hundred resources are a commit, and a pause of the event loop, that nobody feels. */
const maxResponseBytes = 256 * 1024

export interface OwedListener {
  onAcknowledged(acknowledged: Acknowledged): void
  onRefused(refused: Refused): void
}

/** Answers the peer that subscribes on this stream, until it ends; whoever dialled. */
export function serveOutbox(stream: MessageStream, outbox: Outbox, listener: OwedListener, log: Log): Promise<void> {
  return serveDiscovery(stream, {
    variant: 'delta',
    types: syncTypes,
    admit: () => ({ kind: 'open', session: { snapshot: outbox.snapshot, ...listenerCalls(listener) } }),
    log,
    maxResponseBytes,
  })
}

function listenerCalls(listener: OwedListener): OwedListener {
  return {
    onAcknowledged: acknowledged => listener.onAcknowledged(acknowledged),
    onRefused: refused => listener.onRefused(refused),
  }
}

/** Subscribes to everything that the inbox takes, until the stream ends; whoever dialled. `onReceived` runs after each response. */
export function fillInbox(
  stream: MessageStream,
  inbox: Inbox,
  nodeId: string,
  onReceived: (kind: string, refusals: readonly Refusal[]) => void,
): Promise<StreamStatus> {
  const client = new DeltaClient({
    node: { id: nodeId },
    onUpdate: async ({ typeUrl, added, removed }) => {
      const refusals = await inbox.receive({ kind: typeUrl, resources: added, removed })
      onReceived(typeUrl, refusals)
      return refusals.length > 0 ? describeRefusals(refusals) : null
    },
  })
  for (const kind of inbox.tables.keys()) {
    client.hold(kind, Object.entries(inbox.begin(kind)))
    client.subscribe(kind, '*')
  }
  return client.run(stream)
}

/** One text for a NACK, of bounded length. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  const shown = refusals.slice(0, 10).map(({ name, reason }) => `${name}: ${reason}`)
  const more = refusals.length - shown.length
  return more > 0 ? `${shown.join('; ')}; and ${more} more` : shown.join('; ')
}
