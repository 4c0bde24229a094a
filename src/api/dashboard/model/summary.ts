import type { GlobalLinkRow, Summary } from '../schema/summary.ts'
import type { Meshes } from './meshes.ts'
import type { Problems } from './problems.ts'
import type { Proxies } from './proxies.ts'
import type { Services } from './services.ts'
import type { Visibility } from './table.ts'
import type { Workloads } from './workloads.ts'
import type { Zones } from './zones.ts'

interface Parts {
  readonly zones: Zones
  readonly services: Services
  readonly workloads: Workloads
  readonly proxies: Proxies
  readonly meshes: Meshes
  readonly problems: Problems
  readonly global: GlobalLinkRow | null
}

const shownProblems = 20
const noZones: Summary['counts']['zones'] = { total: 0, online: 0, silent: 0, expected: 0, neverConnected: 0, lagging: 0 }

/** Problems first, then counts: sums that are kept, nothing that is counted here. What is of no mesh is for who sees everything. */
export function summaryOf(parts: Parts, visible: Visibility | undefined): Pick<Summary, 'global' | 'problems' | 'counts'> {
  const { zones, services, workloads, proxies, meshes, problems, global } = parts
  const query = { filters: new Map(), q: undefined, sort: undefined, offset: 0, size: shownProblems, visible }
  return {
    global: visible ? null : global,
    problems: [...problems.table.query(query).rows],
    counts: {
      problems: problems.counts(visible),
      zones: visible ? noZones : { total: zones.table.size, ...zones.counts },
      meshes: visible ? visible.meshes.size : meshes.table.size,
      services: services.tally.sum(visible),
      workloads: visible ? [...visible.meshes].reduce((sum, mesh) => sum + workloads.inMesh(mesh), 0) : workloads.table.size,
      proxies: proxies.tally.sum(visible),
      policies: meshes.policyTotal(visible),
      certificates: {
        due: problems.countOf('SKERRY_CERTIFICATE_DUE', visible),
        expired: problems.countOf('SKERRY_CERTIFICATE_EXPIRED', visible),
      },
    },
  }
}
