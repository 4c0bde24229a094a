import type { Source, ZoneRow } from '../schema/zone.ts'
import { type Diagnosis, type Finding, problem } from './problems.ts'

/** Three heartbeats in which a zone did not catch up, ms. */
const lagMs = 15_000

/** What is wrong with a zone, as global sees it. */
export function diagnoseZone(row: ZoneRow, now: number): Diagnosis {
  const about = aboutZone(row)
  const findings: Omit<Finding, 'subject' | 'link'>[] = []
  let nextAt: number | null = null
  const since = Date.parse(row.since ?? '') || now
  const network =
    'check that its control plane runs and reaches global (its log, the network, its zone token); a zone works on without global'
  if (row.enabled && row.state === 'silent') {
    const heard = row.lastHeard ? `, last heard at ${row.lastHeard}` : ''
    findings.push({
      code: 'SKERRY_ZONE_SILENT',
      since,
      cause: `it is not connected${heard}${row.reason ? `: ${row.reason}` : ''}`,
      fix: network,
    })
  }
  if (row.enabled && row.state === 'never-connected') {
    const fix = `start its control plane with a token of \`skerry token zone ${row.name}\`, or delete the zone`
    findings.push({ code: 'SKERRY_ZONE_NEVER_CONNECTED', since, cause: 'it has never connected', fix })
  }
  if (row.state === 'online' && row.lag.since !== null) {
    const lagging = Date.parse(row.lag.since)
    if (now >= lagging + lagMs) {
      const cause = `since ${row.lag.since} it does not hold all that global owes it: ${row.lag.kinds.join(', ')}`
      const fix = 'its log says what it refuses or waits for; what it refuses is a problem of its own'
      findings.push({ code: 'SKERRY_ZONE_LAGGING', since: lagging, cause, fix })
    } else nextAt = lagging + lagMs
  }
  if (row.refusedTotal > 0) {
    const some = row.refused.slice(0, 3).map(({ name, reason }) => `${name}: ${reason}`)
    const more = row.refusedTotal > some.length ? ` (and ${row.refusedTotal - some.length} more)` : ''
    const cause = `global did not accept ${row.refusedTotal} of its resources: ${some.join('; ')}${more}`
    const fix = 'mend or delete them in the zone; they are not seen by other zones until then'
    findings.push({ code: 'SKERRY_SYNC_REFUSED', since, cause, fix, part: 'up' })
  }
  if (row.state === 'online' && row.reason) {
    const cause = `it did not accept what global sent: ${row.reason}`
    findings.push({ code: 'SKERRY_SYNC_REFUSED', since, cause, fix: 'mend these resources at global, or update the zone', part: 'down' })
  }
  for (const source of row.sources) findings.push(...sourceFindings(source, since))
  return { problems: findings.map(finding => problem({ ...finding, ...about })), nextAt }
}

function sourceFindings({ name, state, held, error }: Source, since: number): Omit<Finding, 'subject' | 'link'>[] {
  switch (state) {
    case 'ok':
      return []
    case 'held': {
      const what = held > 0 ? `holds back ${held} removals: more than its guard lets pass at once` : 'is held'
      const cause = `discovery of ${name} ${what}${error ? ` (${error})` : ''}`
      const fix = `see with \`skerry discovery list\` whether these workloads are really gone; if they are: \`skerry discovery release ${name}\``
      return [{ code: 'SKERRY_DISCOVERY_HELD', since, cause, fix, part: name }]
    }
    case 'failing': {
      const cause = `discovery of ${name} fails: ${error ?? 'it does not say why'}`
      return [
        {
          code: 'SKERRY_DISCOVERY_FAILING',
          since,
          cause,
          fix: `what it found before stays; \`skerry discovery test ${name}\` says what to mend`,
          part: name,
        },
      ]
    }
  }
}

export function aboutZone({ kri, name }: Pick<ZoneRow, 'kri' | 'name'>): Pick<Finding, 'subject' | 'link'> {
  return { subject: { kind: 'Zone', kri, mesh: null, zone: name, name }, link: `/dashboard/v1/zones/${encodeURIComponent(name)}` }
}
