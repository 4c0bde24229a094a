import type { Dataplane } from '../../../model/kinds/dataplane.ts'
import { kriOf } from '../../../model/kri.ts'
import { displayNameOf } from '../../../model/names.ts'
import type { NewEvent } from './events.ts'

/** What is told of an instance that has no proxy, and so no row: that it is called, that it is not and why, and that it is gone. */
export interface InstanceSight {
  readonly dataplane: Dataplane
  readonly zone: string
  /** By inbound; none = it is called. */
  readonly notReady: readonly { readonly inbound: string; readonly reason: string }[]
}

/** What happened between two looks at an instance; null = nothing to tell. Pure. */
export function instanceEvent(before: InstanceSight | undefined, now: InstanceSight | undefined): NewEvent | null {
  const sight = now ?? before
  if (!sight) return null
  const { dataplane, zone } = sight
  const name = displayNameOf(dataplane)
  const inZone = zone ? ` in zone ${zone}` : ''
  const about = {
    subject: { kind: 'Dataplane', kri: kriOf(dataplane), mesh: dataplane.mesh, zone: zone || null, name },
    link: `/meshes/${encodeURIComponent(dataplane.mesh)}/dataplanes/${encodeURIComponent(dataplane.name)}`,
  }
  if (!now) return { type: 'instance.removed', ...about, message: `${name} left the registry${reasonsOf(sight)}` }
  const wasCalled = before !== undefined && before.notReady.length === 0
  const isCalled = now.notReady.length === 0
  if (isCalled && !wasCalled) return { type: 'instance.ready', ...about, message: `${name}${inZone} is called` }
  // One that has just been registered is checked first: that is no news.
  if (!isCalled && wasCalled) return { type: 'instance.not-ready', ...about, message: `${name}${inZone} is not called${reasonsOf(now)}` }
  return null
}

function reasonsOf({ notReady }: InstanceSight): string {
  return notReady.length === 0 ? '' : `: ${[...new Set(notReady.map(({ reason }) => reason))].join('; ')}`
}
