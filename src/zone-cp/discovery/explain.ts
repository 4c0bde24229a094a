import type { Item } from '../../adapters/adapter.ts'
import type { FoundThing } from '../../api/discovery.ts'
import type { Published } from './found-index.ts'

export interface ThingAt {
  readonly zone: string
  readonly scope: string
}

/** What a thing came to, in words. Pure. @param published undefined = nothing was published of it */
export function explainItem(
  { id, facts, outcome }: Item,
  { zone, scope }: ThingAt,
  published: { readonly published: Published; readonly dataplane: string } | undefined,
): FoundThing {
  const thing = { zone, scope, id, facts }
  if (outcome.kind === 'left-out') return { ...thing, outcome: 'left-out', reason: outcome.reason }
  const { workload, state, reason, address, ports, labels } = outcome.workload
  const { outcome: became, reason: why } = explainPublished(published?.published)
  const stated = state === 'ready' ? '' : `; it is ${state}${reason === undefined ? '' : `: ${reason}`}`
  return {
    ...thing,
    outcome: became,
    reason: `${why}${stated}`,
    workload,
    state,
    address,
    ports,
    labels,
    ...(published !== undefined && (became === 'dataplane' || became === 'joined') ? { dataplane: published.dataplane } : {}),
  }
}

function explainPublished(published: Published | undefined): Pick<FoundThing, 'outcome' | 'reason'> {
  switch (published?.kind) {
    case undefined:
    case 'dataplane':
      return { outcome: 'dataplane', reason: 'it is a Dataplane without a proxy' }
    case 'joined':
      return { outcome: 'joined', reason: 'it has a proxy, which registers it; its labels and locality are added there' }
    case 'awaited':
      return { outcome: 'awaited', reason: 'it has a proxy, which has not registered yet: see the log of the proxy' }
    case 'shadowed':
      return { outcome: 'shadowed', reason: `source ${published.by} has found the same address and port, and is nearer to it` }
    case 'name-taken':
      return {
        outcome: 'name-taken',
        reason: `there is a Dataplane ${published.dataplane} that somebody else wrote: rename or delete that one`,
      }
  }
}
