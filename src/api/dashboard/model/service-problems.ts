import type { StoredService } from '../schema/service.ts'
import { type Diagnosis, type Finding, problem, well } from './problems.ts'

/** What the first instances of a service take to be told as healthy: shorter is no problem, ms. */
const startMs = 2_000

/** What is wrong with a service. @param hadInstances false = it was made ahead of its instances */
export function diagnoseService(row: StoredService, now: number, hadInstances: boolean): Diagnosis {
  const finding = findingOf(row, hadInstances)
  if (!finding) return well
  const since = Date.parse(row.since)
  if (now < since + startMs) return { problems: [], nextAt: since + startMs }
  return { problems: [problem({ ...finding, since, ...aboutService(row) })], nextAt: null }
}

function findingOf(row: StoredService, hadInstances: boolean): Pick<Finding, 'code' | 'cause' | 'fix'> | undefined {
  const dead = row.zones.filter(member => member.state === 'unavailable')
  const alive = row.zones.filter(member => member.state === 'available')
  const list = (members: StoredService['zones']) =>
    members.map(({ zone, healthy, total }) => `${zone || 'its zone'} ${healthy}/${total}`).join(', ')
  const look = `\`skerry status -m ${row.mesh} -o wide\` says why its instances are not ready`
  switch (row.state) {
    case 'available':
    case 'unknown':
      return undefined
    case 'unavailable':
      return { code: 'SKERRY_SERVICE_UNAVAILABLE', cause: `no instance is healthy: ${list(dead)}`, fix: look }
    case 'degraded': {
      const names = alive.map(({ zone }) => zone).join(', ')
      const where =
        row.kind === 'MeshMultiZoneService'
          ? `callers are served by ${names}`
          : `callers there are not sent to ${names}: no MeshMultiZoneService unites its zones`
      return { code: 'SKERRY_SERVICE_DEGRADED', cause: `no instance is healthy in ${list(dead)}; ${where}`, fix: look }
    }
    case 'empty':
      return hadInstances
        ? {
            code: 'SKERRY_SERVICE_UNAVAILABLE',
            cause: 'its last instance is gone',
            fix: `start one, or delete the service where it is not used any more`,
          }
        : {
            code: 'SKERRY_SERVICE_EMPTY',
            cause: 'no instance is registered',
            fix: 'start one, or see that its selector names labels that instances have',
          }
    default:
      return row.state satisfies never
  }
}

export function aboutService({
  kind,
  kri,
  mesh,
  name,
}: Pick<StoredService, 'kind' | 'kri' | 'mesh' | 'name'>): Pick<Finding, 'subject' | 'link'> {
  return {
    subject: { kind, kri, mesh, zone: null, name },
    link: `/dashboard/v1/services/${encodeURIComponent(mesh)}/${encodeURIComponent(name)}`,
  }
}
