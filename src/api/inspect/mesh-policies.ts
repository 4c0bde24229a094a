import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { kinds } from '../../model/kinds/index.ts'
import { zoneLabel } from '../../model/labels.ts'
import type { Resource } from '../../model/resource.ts'
import { Planning, type PolicyKind } from '../../policy/planning.ts'
import { type PolicyProxy, servedGateways } from '../../policy/rules/match.ts'
import type { ProxyRules } from '../../policy/rules/proxy-rules.ts'
import type { MeshView } from '../../policy/view.ts'
import type { Registry } from '../../registry/registry.ts'

/** Kinds of policies in the order in which they are applied, and shown. */
export const policyKinds = kinds.filter(kind => kind.policy !== undefined).sort((a, b) => a.policy!.order - b.policy!.order)

/** What one kind of policy says to a proxy. */
export interface KindRules {
  readonly kind: PolicyKind
  readonly rules: ProxyRules
}

/** A mesh as a zone sees it. */
export type ViewOf = (mesh: string, zone: string) => MeshView

/** The policies of the meshes of a registry, as the plans of proxies are made of them. */
export class MeshPolicies {
  readonly #registry: Registry
  readonly #viewOf: ViewOf
  readonly #ownZone: string

  /** `ownZone`: that of Dataplanes which do not say theirs. */
  constructor(registry: Registry, viewOf: ViewOf, ownZone: string) {
    this.#registry = registry
    this.#viewOf = viewOf
    this.#ownZone = ownZone
  }

  /** What a proxy's plan is made with. */
  planning(dataplane: Dataplane): Planning {
    return new Planning(this.#viewOf(dataplane.mesh, dataplane.labels[zoneLabel] ?? this.#ownZone), dataplane)
  }

  proxyOf(dataplane: Dataplane): PolicyProxy {
    const { view } = this.planning(dataplane)
    return { dataplane, gateways: servedGateways(dataplane, view.list('MeshGateway')) }
  }

  /** Gives the resources of a kind in a mesh; of Mesh itself, that mesh. */
  list(mesh: string): (kind: string) => readonly Resource[] {
    return kind => {
      if (kind !== 'Mesh') return this.#registry.list(kind, mesh)
      return [this.#registry.get({ kind, mesh: '', name: mesh })].filter(resource => resource !== undefined)
    }
  }
}

/** A proxy's rules, a set for each kind that `takes`, in the order of the kinds. */
export function rulesFor(planning: Planning, takes: (kind: string) => boolean = () => true): KindRules[] {
  return policyKinds
    .filter(({ kind }) => takes(kind))
    .map(({ kind }) => ({ kind: kind as PolicyKind, rules: planning.rules(kind as PolicyKind) }))
}
