import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { displayNameLabel } from '../../model/labels.ts'
import { matchesLabels } from '../../model/target-ref.ts'
import type { MeshView } from '../view.ts'
import { isShadow, reaches, servedGateways } from './match.ts'
import type { Policy } from './policy.ts'

/** This zone's Dataplanes that a policy says something to. Costs what it finds: only a policy for the whole mesh looks at all of them. */
export function reachedBy(view: MeshView, policy: Policy): Dataplane[] {
  if (isShadow(policy)) return []
  return candidates(view, policy).filter(dataplane =>
    reaches(policy, { dataplane, gateways: servedGateways(dataplane, view.tables.MeshGateway.values()) }),
  )
}

function candidates(view: MeshView, { spec: { targetRef } }: Policy): Dataplane[] {
  switch (targetRef?.kind ?? 'Mesh') {
    case 'Mesh':
      return view.list('Dataplane')
    case 'Dataplane': {
      const labels = targetRef?.labels ?? {}
      const name = labels[displayNameLabel]
      if (name === undefined) return view.dataplanesWith(labels)
      // A zone's own Dataplanes are stored under the name that people gave them.
      const named = view.get('Dataplane', name)
      return named && matchesLabels(named, labels) ? [named] : []
    }
    case 'MeshGateway': {
      const meant = view.list('MeshGateway').filter(gateway => matchesLabels(gateway, targetRef?.labels))
      return [...new Set(meant.flatMap(gateway => view.dataplanesWith(gateway.spec.selector.matchLabels)))]
    }
    default:
      return []
  }
}
