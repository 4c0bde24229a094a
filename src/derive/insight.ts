import type { DataplaneInsightSpec, DataplaneSubscription } from '../model/kinds/dataplane-insight.ts'
import type { ResponseCounters } from '../model/kinds/insight.ts'
import type { ZoneInsightSpec, ZoneSubscription } from '../model/kinds/zone-insight.ts'
import { type Connection, type DataplaneFacts, type Exchange, isConnected, type XdsType, type ZoneFacts } from './facts.ts'
import type { DataplaneReadiness } from './readiness.ts'

/** A proxy's facts in Kuma's words. */
export function dataplaneInsight(facts: DataplaneFacts, readiness: DataplaneReadiness): DataplaneInsightSpec {
  const inbounds = [...readiness.inbounds, ...readiness.zoneListeners]
  return {
    subscriptions: facts.connections.map((connection, index) => dataplaneSubscription(connection, facts, index, facts.connections.length)),
    ...(facts.certificate === null
      ? {}
      : {
          mTLS: {
            certificateExpirationTime: rfc3339(facts.certificate.notAfterMs),
            ...(facts.certificate.issuedAtMs === 0 ? {} : { lastCertificateRegeneration: rfc3339(facts.certificate.issuedAtMs) }),
            certificateRegenerations: facts.certificate.issued,
            issuedBackend: facts.certificate.issuer,
            supportedBackends: [facts.certificate.issuer],
          },
        }),
    ...(facts.instanceId === '' ? {} : { metadata: metadataOf(facts) }),
    readiness: inbounds.map(([inbound, { state, reason }]) => ({
      inbound,
      ready: state === 'ready',
      ...(reason === '' ? {} : { reason }),
    })),
    ...(facts.refusals.length === 0
      ? {}
      : {
          refusals: facts.refusals.map(({ type, atMs, reason, resources = [] }) => ({
            type,
            time: rfc3339(atMs),
            reason,
            ...(resources.length > 0 ? { resources: [...resources] } : {}),
          })),
        }),
  }
}

/** `configuration` only where it is not what it should be. `tokenExpirationTime`: until then the proxy can connect again with the token it has. */
function metadataOf(facts: DataplaneFacts): NonNullable<DataplaneInsightSpec['metadata']> {
  const isStale = isConnected(facts) && facts.acknowledged === null
  return {
    instanceId: facts.instanceId,
    engine: facts.engine,
    ...(isStale ? { configuration: 'stale' } : {}),
    ...(facts.tokenNotAfterMs === undefined ? {} : { tokenExpirationTime: rfc3339(facts.tokenNotAfterMs) }),
  }
}

/** Only the newest stream has counters: they are the proxy's, and it has one stream at a time. */
function dataplaneSubscription(connection: Connection, facts: DataplaneFacts, index: number, count: number): DataplaneSubscription {
  const newest = index === count - 1
  return {
    id: connection.id,
    controlPlaneInstanceId: connection.controlPlaneId,
    ...times(connection),
    generation: index + 1,
    status: newest ? { ...statusOf(Object.values(facts.exchanges)), ...byType(facts.exchanges) } : {},
    ...(newest ? { version: versionOf(facts) } : {}),
  }
}

function versionOf({ engine, version }: DataplaneFacts): NonNullable<DataplaneSubscription['version']> {
  const [name, engineVersion] = engine.split(' ')
  if (name === 'kuma-dp') return { kumaDp: { version } }
  return name === 'envoy' ? { skerry: version, envoy: { version: engineVersion ?? '' } } : { skerry: version }
}

function byType(exchanges: DataplaneFacts['exchanges']): Partial<Record<XdsType, ResponseCounters>> {
  return Object.fromEntries(Object.entries(exchanges).map(([type, exchange]) => [type, counters(exchange)]))
}

/** A zone's facts in Kuma's words. */
export function zoneInsight(facts: ZoneFacts): ZoneInsightSpec {
  return {
    subscriptions: facts.connections.map((connection, index) => zoneSubscription(connection, facts, index, facts.connections.length)),
    ...(facts.lastBeatMs === null ? {} : { healthCheck: { time: rfc3339(facts.lastBeatMs) } }),
    sync: { inSync: facts.behind.length === 0, ...(facts.behind.length === 0 ? {} : { behind: [...facts.behind] }) },
    ...(facts.proxies === null ? {} : { proxies: { ...facts.proxies } }),
  }
}

function zoneSubscription(connection: Connection, facts: ZoneFacts, index: number, count: number): ZoneSubscription {
  const newest = index === count - 1
  const stat = Object.fromEntries([...facts.exchanges].map(([kind, exchange]) => [kind, counters(exchange)]))
  return {
    id: connection.id,
    globalInstanceId: connection.controlPlaneId,
    ...times(connection),
    generation: index + 1,
    status: newest ? { ...statusOf([...facts.exchanges.values()]), stat } : {},
    ...(newest ? { zoneInstanceId: facts.zoneInstanceId, version: { kumaCp: { version: facts.version } }, authTokenProvided: true } : {}),
  }
}

function times(connection: Connection): { connectTime: string; disconnectTime?: string } {
  const connectTime = rfc3339(connection.connectedAtMs)
  return connection.disconnectedAtMs === null ? { connectTime } : { connectTime, disconnectTime: rfc3339(connection.disconnectedAtMs) }
}

function statusOf(exchanges: readonly Exchange[]): { lastUpdateTime?: string; total: ResponseCounters } {
  const sum = (pick: (exchange: Exchange) => number) => exchanges.reduce((total, exchange) => total + pick(exchange), 0)
  const total = { sent: sum(it => it.sent), acknowledged: sum(it => it.acknowledged), rejected: sum(it => it.rejected) }
  const last = Math.max(0, ...exchanges.map(it => it.lastUpdateMs))
  return { ...(last === 0 ? {} : { lastUpdateTime: rfc3339(last) }), total: counters(total) }
}

function counters(exchange: Omit<Exchange, 'lastUpdateMs'>): ResponseCounters {
  return { responsesSent: exchange.sent, responsesAcknowledged: exchange.acknowledged, responsesRejected: exchange.rejected }
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString()
}
