import { certificatesOf } from '../../../identity/fingerprint.ts'
import type { MeshTrust } from '../../../model/kinds/mesh-trust.ts'
import type { TrustAcknowledgement } from '../../../model/kinds/trust-acknowledgement.ts'
import { kriOf } from '../../../model/kri.ts'
import { zoneLabel } from '../../../model/labels.ts'
import { displayNameOf } from '../../../model/names.ts'
import type { Clock } from '../../../std/clock.ts'
import type { Trust } from '../schema/zone.ts'
import { type Diagnosis, type Problems, problem, well } from './problems.ts'

/** A root is replaced in weeks, not in hours: people want to know early, ms. */
const rootDueMs = 30 * 86_400_000

interface Known {
  readonly resource: MeshTrust
  readonly zone: string
  readonly roots: number
  /** Unix ms; null = it cannot be read. */
  readonly notAfter: number | null
}

/** What every zone's workloads are known by, and until when. */
export class Trusts {
  readonly #clock: Pick<Clock, 'now'>
  readonly #problems: Problems
  readonly #ownZone: string
  readonly #known = new Map<string, Known>()
  readonly #byZone = new Map<string, Set<string>>()
  /** `zone/mesh` */
  readonly #acknowledgements = new Map<string, TrustAcknowledgement>()
  readonly #domains = new Map<string, Map<string, number>>()

  constructor({ clock, problems, ownZone }: { clock: Pick<Clock, 'now'>; problems: Problems; ownZone: string }) {
    this.#clock = clock
    this.#problems = problems
    this.#ownZone = ownZone
  }

  /** @returns the zone that it is of; '' = of none */
  onTrust(now: MeshTrust | undefined, before: MeshTrust | undefined): string {
    const resource = (now ?? before)!
    const id = `${resource.mesh}/${resource.name}`
    const zone = resource.labels[zoneLabel] ?? this.#ownZone
    if (before) this.#domain(before, -1)
    if (now) this.#domain(now, 1)
    const ids = this.#byZone.get(zone) ?? new Set()
    if (now) {
      this.#known.set(id, { resource: now, zone, ...rootsOf(now) })
      this.#byZone.set(zone, ids.add(id))
    } else {
      this.#known.delete(id)
      ids.delete(id)
    }
    this.refresh(id)
    return zone
  }

  /** Time went by. @returns its zone; undefined = it is gone */
  refresh(id: string): string | undefined {
    const known = this.#known.get(id)
    this.#problems.set(`trust/${id}`, known ? diagnose(known, this.#clock.now()) : well)
    return known?.zone
  }

  ofZone(zone: string): Trust[] {
    const now = this.#clock.now()
    return [...(this.#byZone.get(zone) ?? [])].sort().map(id => {
      const { resource, roots, notAfter } = this.#known.get(id)!
      return {
        mesh: resource.mesh,
        trustDomain: resource.spec.trustDomain,
        roots,
        notAfter: notAfter === null ? null : new Date(notAfter).toISOString(),
        state: stateOf(notAfter, now),
        ...this.#progressOf(zone, resource),
      }
    })
  }

  /** How far a zone is with roots that take over from others. @returns the zone */
  onAcknowledgement(now: TrustAcknowledgement | undefined, before: TrustAcknowledgement | undefined): string {
    const { labels, mesh } = (now ?? before)!
    const zone = labels[zoneLabel] ?? this.#ownZone
    if (now) this.#acknowledgements.set(`${zone}/${mesh}`, now)
    else this.#acknowledgements.delete(`${zone}/${mesh}`)
    return zone
  }

  domainsIn(mesh: string): string[] {
    return [...(this.#domains.get(mesh)?.keys() ?? [])].sort()
  }

  #progressOf(zone: string, { mesh, spec }: MeshTrust): Pick<Trust, 'rotation' | 'behind'> {
    const { rotation = [], behind = [] } = this.#acknowledgements.get(`${zone}/${mesh}`)?.status ?? {}
    const own = rotation.filter(({ trustDomain }) => trustDomain === spec.trustDomain)
    return { rotation: own.map(({ root, state, waitingFor = [] }) => ({ root, state, waitingFor })), behind }
  }

  #domain({ mesh, spec }: MeshTrust, by: number): void {
    const domains = this.#domains.get(mesh) ?? new Map<string, number>()
    const count = (domains.get(spec.trustDomain) ?? 0) + by
    if (count > 0) domains.set(spec.trustDomain, count)
    else domains.delete(spec.trustDomain)
    this.#domains.set(mesh, domains)
  }
}

function rootsOf({ spec }: MeshTrust): { readonly roots: number; readonly notAfter: number | null } {
  try {
    const certificates = spec.caBundles.flatMap(bundle => certificatesOf(bundle.pem.value))
    const ends = certificates.map(({ validTo }) => Date.parse(validTo)).filter(end => !Number.isNaN(end))
    return { roots: certificates.length, notAfter: ends.length > 0 ? Math.max(...ends) : null }
  } catch {
    return { roots: 0, notAfter: null }
  }
}

function stateOf(notAfter: number | null, now: number): Trust['state'] {
  if (notAfter === null || now < notAfter - rootDueMs) return 'valid'
  return now < notAfter ? 'due' : 'expired'
}

function diagnose({ resource, zone, notAfter }: Known, now: number): Diagnosis {
  if (notAfter === null) return well
  const end = new Date(notAfter).toISOString()
  const about = {
    subject: { kind: 'MeshTrust', kri: kriOf(resource), mesh: resource.mesh, zone: zone || null, name: displayNameOf(resource) },
    link: zone ? `/dashboard/v1/zones/${encodeURIComponent(zone)}` : `/dashboard/v1/meshes/${encodeURIComponent(resource.mesh)}`,
  }
  const fix = 'rotate the root of that MeshIdentity: a new one is trusted everywhere before it signs'
  const { trustDomain } = resource.spec
  switch (stateOf(notAfter, now)) {
    case 'valid':
      return { problems: [], nextAt: notAfter - rootDueMs }
    case 'due': {
      const cause = `the last root of trust domain ${trustDomain} ends at ${end}: from then on nobody accepts its workloads`
      return { problems: [problem({ code: 'SKERRY_TRUST_DUE', since: notAfter - rootDueMs, cause, fix, ...about })], nextAt: notAfter }
    }
    case 'expired': {
      const cause = `the last root of trust domain ${trustDomain} ended at ${end}: nobody accepts its workloads`
      return { problems: [problem({ code: 'SKERRY_TRUST_EXPIRED', since: notAfter, cause, fix, ...about })], nextAt: null }
    }
  }
}
