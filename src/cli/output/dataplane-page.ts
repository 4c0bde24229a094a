import { expiry, formatAge } from './duration.ts'
import { countersOf, type Networking, type Overview, onlineState, stateSince } from './overview.ts'
import { formatFields, section, type Table } from './table.ts'

/** What the registry knows of a proxy, where its plan is out of reach. */
export function formatDataplane(overview: Overview, nowMs: number): string {
  const { labels = {}, dataplane, dataplaneInsight } = overview
  const since = stateSince(overview)
  const expires = dataplaneInsight?.mTLS?.certificateExpirationTime
  const counters = countersOf(overview).map(it => [it.type.toUpperCase(), `${it.sent}`, `${it.acknowledged}`, `${it.refused}`])
  const refusals = (dataplaneInsight?.refusals ?? []).map(it => [
    it.type,
    formatAge(it.time, nowMs),
    it.resources?.join(' ') || '-',
    it.reason,
  ])
  return [
    `Dataplane ${overview.mesh ?? ''}/${labels['kuma.io/display-name'] ?? overview.name}\n`,
    formatFields(
      [
        ['Zone', labels['kuma.io/zone'] ?? '-'],
        ['Workload', labels['kuma.io/workload'] ?? '-'],
        ['Address', dataplane?.networking?.address ?? '-'],
        ['Stream', `${onlineState(overview)}${since ? ` for ${formatAge(since, nowMs)}` : ''}`],
        ['Certificate', expires ? expiry(Date.parse(expires) - nowMs) : 'none'],
      ],
      '  ',
    ),
    section('Inbounds', inboundTable(dataplane?.networking, overview)),
    section('Outbounds', outboundTable(dataplane?.networking)),
    section('Configuration', { columns: ['TYPE', 'SENT', 'ACCEPTED', 'REFUSED'], rows: counters }),
    section('Refused', { columns: ['TYPE', 'AGE', 'RESOURCE', 'REASON'], rows: refusals }),
  ].join('')
}

function inboundTable(networking: Networking | undefined, { dataplaneInsight }: Overview): Table {
  const readiness = new Map((dataplaneInsight?.readiness ?? []).map(it => [it.inbound, it]))
  const rows = (networking?.inbound ?? []).map(inbound => {
    const name = inbound.name ?? String(inbound.port)
    const state = readiness.get(name)
    const ready = state === undefined ? 'unknown' : state.ready ? 'yes' : `no: ${state.reason ?? 'not said why'}`
    return [name, String(inbound.port), inbound.protocol ?? 'tcp', String(inbound.servicePort ?? inbound.port), ready]
  })
  return { columns: ['NAME', 'PORT', 'PROTOCOL', 'APPLICATION', 'READY'], rows }
}

function outboundTable(networking: Networking | undefined): Table {
  const rows = (networking?.outbound ?? []).map(({ port, backendRef = {} }) => {
    const labels = Object.entries(backendRef.labels ?? {}).map(([key, value]) => `${key}=${value}`)
    return [String(port), `${backendRef.kind ?? 'service'} ${backendRef.name ?? labels.join(',')}`]
  })
  return { columns: ['PORT', 'TO'], rows }
}
