import type { Dataplane } from '../../model/kinds/dataplane.ts'
import { kinds } from '../../model/kinds/index.ts'
import type { MeshGateway } from '../../model/kinds/mesh-gateway.ts'
import type { Resource } from '../../model/resource.ts'
import { type PolicyProxy, servedGateways } from '../../policy/rules/match.ts'
import type { Policy } from '../../policy/rules/policy.ts'
import { PolicyIndex } from '../../policy/rules/policy-index.ts'
import { ProxyRules } from '../../policy/rules/proxy-rules.ts'
import type { Registry } from '../../registry/registry.ts'

/** Kinds of policies in the order in which they are applied, and shown. */
export const policyKinds = kinds.filter(kind => kind.policy !== undefined).sort((a, b) => a.policy!.order - b.policy!.order)

/** What one kind of policy says to a proxy. */
export interface KindRules {
  readonly kind: string
  readonly rules: ProxyRules
}

/** The policies of the meshes of a registry, sorted and indexed when they are first asked for and as long as nothing changes. */
export class MeshPolicies {
  readonly #registry: Registry
  readonly #indexes = new Map<string, PolicyIndex>()
  #revision = -1

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** A proxy's rules, a set for each kind that `takes`, in the order of the kinds. */
  rulesFor(dataplane: Dataplane, takes: (kind: string) => boolean = () => true): KindRules[] {
    const proxy = this.proxyOf(dataplane)
    return policyKinds
      .filter(({ kind }) => takes(kind))
      .map(({ kind }) => ({ kind, rules: new ProxyRules(this.#indexOf(kind, dataplane.mesh), proxy) }))
  }

  proxyOf(dataplane: Dataplane): PolicyProxy {
    return { dataplane, gateways: servedGateways(dataplane, this.list(dataplane.mesh)('MeshGateway') as readonly MeshGateway[]) }
  }

  /** Gives the resources of a kind in a mesh; of Mesh itself, that mesh. */
  list(mesh: string): (kind: string) => readonly Resource[] {
    return kind => {
      if (kind !== 'Mesh') return this.#registry.list(kind, mesh)
      return [this.#registry.get({ kind, mesh: '', name: mesh })].filter(resource => resource !== undefined)
    }
  }

  #indexOf(kind: string, mesh: string): PolicyIndex {
    if (this.#revision !== this.#registry.revision) this.#indexes.clear()
    this.#revision = this.#registry.revision
    const key = `${kind}/${mesh}`
    const index = this.#indexes.get(key) ?? PolicyIndex.of(this.#registry.list<Policy>(kind, mesh))
    this.#indexes.set(key, index)
    return index
  }
}
