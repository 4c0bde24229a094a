import type { Problem } from '../schema/problem.ts'
import type { ProxyRow } from '../schema/proxy.ts'
import { type Diagnosis, type Finding, problem, well } from './problems.ts'

/** What a proxy on its way up takes to become ready: shorter is no problem, ms. */
const startMs = 5_000
/** … and to accept what it is sent. */
const acceptMs = 10_000

/** What is wrong with a proxy. Of one of which nobody tells nothing is known: if its zone is silent, the zone is the problem. */
export function diagnoseProxy(row: ProxyRow, now: number): Diagnosis {
  if (row.state === 'UNKNOWN') return well
  const found: Problem[] = []
  let nextAt: number | null = null
  const later = (at: number) => {
    nextAt = nextAt === null ? at : Math.min(nextAt, at)
  }
  const add = (finding: Pick<Finding, 'code' | 'since' | 'cause' | 'fix'>) => found.push(problem({ ...finding, ...aboutOf(row) }))
  const lasting = (ms: number, finding: Pick<Finding, 'code' | 'cause' | 'fix'>) => {
    const since = Date.parse(row.since)
    if (now >= since + ms) add({ ...finding, since })
    else later(since + ms)
  }
  const inspect = `skerry inspect dataplane ${row.name} -m ${row.mesh}`
  switch (row.state) {
    case 'NACKED':
      for (const { type, at, reason } of row.refused.slice(0, 1)) {
        const cause = `it refused its ${type} configuration and goes on with what it had: ${reason}`
        const fix = `\`${inspect}\` shows what it was told and by which policy: mend that policy, or take it back`
        add({ code: 'SKERRY_PROXY_NACKED', since: Date.parse(at ?? row.since), cause, fix })
      }
      break
    case 'OFFLINE':
      add({
        code: 'SKERRY_PROXY_OFFLINE',
        since: Date.parse(row.since),
        cause: row.reason ?? 'its proxy is disconnected',
        fix: 'start it again, and look at its log; one that is gone for good leaves the registry by itself, or with `skerry delete`',
      })
      break
    case 'STALE':
      lasting(acceptMs, {
        code: 'SKERRY_PROXY_STALE',
        cause: row.reason ?? 'it has not accepted its configuration',
        fix: `look at its log, and at \`${inspect}\``,
      })
      break
    case 'SYNCED':
      break
    default:
      row.state satisfies never
  }
  const isStopping = row.notReady.some(({ reason }) => reason === stopping)
  if (row.state === 'SYNCED' && !row.ready && !isStopping) {
    const cause = row.notReady.map(({ inbound, reason }) => `${inbound}: ${reason}`).join('; ') || (row.reason ?? 'it is not ready')
    lasting(startMs, { code: 'SKERRY_INSTANCE_NOT_READY', cause, fix: `see that its application runs and answers; \`${inspect}\`` })
  }
  diagnoseCertificate(row, now, add, later)
  return { problems: found, nextAt }
}

/** In the words of `derive/readiness.ts`. */
const stopping = 'its proxy is stopping'

function diagnoseCertificate(
  { certificate, connected, zone }: ProxyRow,
  now: number,
  add: (finding: Pick<Finding, 'code' | 'since' | 'cause' | 'fix'>) => void,
  later: (at: number) => void,
): void {
  if (certificate === null || !connected) return
  const [dueAt, notAfter] = [Date.parse(certificate.dueAt), Date.parse(certificate.notAfter)]
  const fix = `the log of zone ${zone || 'control plane'} and of the proxy say why it is not renewed; a restart of the proxy asks anew`
  if (now >= notAfter) {
    add({
      code: 'SKERRY_CERTIFICATE_EXPIRED',
      since: notAfter,
      cause: `its certificate ended at ${certificate.notAfter}: nobody accepts it`,
      fix,
    })
  } else if (now >= dueAt) {
    add({ code: 'SKERRY_CERTIFICATE_DUE', since: dueAt, cause: `its certificate ends at ${certificate.notAfter} and was not renewed`, fix })
    later(notAfter)
  } else later(dueAt)
}

export function aboutOf({ kri, mesh, zone, name, storedName }: ProxyRow): Pick<Finding, 'subject' | 'link'> {
  return {
    subject: { kind: 'Dataplane', kri, mesh, zone: zone || null, name },
    link: `/dashboard/v1/proxies/${encodeURIComponent(mesh)}/${encodeURIComponent(storedName)}`,
  }
}
