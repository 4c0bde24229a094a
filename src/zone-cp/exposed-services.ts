import { type MeshService, portName } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { sniOf } from '../model/sni.ts'
import type { ZoneIngressPlan } from '../policy/plan.ts'
import type { Registry } from '../registry/registry.ts'
import type { Reconciler } from './reconcile.ts'

/**
 * Which services callers of other zones can come in to: those whose route a zone gateway has acknowledged once. Services that were
 * available when this control plane started count as such: a restart must not withdraw what works. In a mesh without zone gateway nobody
 * comes in from elsewhere, and every service counts.
 */
export class ExposedServices {
  readonly #registry: Registry
  readonly #reconciler: Reconciler
  readonly #exposed = new Set<string>()
  onChange: (service: MeshService) => void = () => {}

  constructor(registry: Registry, reconciler: Reconciler, zone: string) {
    this.#registry = registry
    this.#reconciler = reconciler
    for (const service of registry.list<MeshService>('MeshService')) {
      if (service.labels[zoneLabel] === zone && service.spec.state === 'Available') this.#exposed.add(`${service.mesh}/${service.name}`)
    }
    // Another service under the same name has to be let in anew.
    registry.onChange(({ changes }) => {
      for (const change of changes) {
        if (change.kind === 'delete' && change.key.kind === 'MeshService') this.#exposed.delete(`${change.key.mesh}/${change.key.name}`)
      }
    })
  }

  has(service: MeshService): boolean {
    if (this.#exposed.has(`${service.mesh}/${service.name}`)) return true
    return !this.#reconciler.view(service.mesh).hasZoneGateway
  }

  /** A zone gateway runs this listener. */
  add(mesh: string, listener: ZoneIngressPlan): void {
    const offered = new Set(listener.chains.map(chain => chain.sni))
    for (const service of this.#registry.list<MeshService>('MeshService', mesh)) {
      const key = `${mesh}/${service.name}`
      const [port] = service.spec.ports ?? []
      if (this.#exposed.has(key) || !port || !offered.has(sniOf(service, portName(port)))) continue
      this.#exposed.add(key)
      this.onChange(service)
    }
  }
}
