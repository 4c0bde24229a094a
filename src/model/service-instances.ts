import { type Dataplane, type Inbound, inboundName } from './kinds/dataplane.ts'
import { type MeshServicePort, type MeshServiceSpec, portName } from './kinds/mesh-service.ts'
import { matchesLabels } from './target-ref.ts'

/** Is a Dataplane of the same mesh and zone an instance of the service? Without labels to match a service has none. */
export function selectsDataplane(service: Pick<MeshServiceSpec, 'selector'>, dataplane: Pick<Dataplane, 'name' | 'labels'>): boolean {
  const { dataplaneRef, dataplaneLabels } = service.selector ?? {}
  if (dataplaneRef !== undefined) return dataplaneRef.name === dataplane.name
  const labels = dataplaneLabels?.matchLabels
  return labels !== undefined && Object.keys(labels).length > 0 && matchesLabels(dataplane, labels)
}

/** The inbound of an instance that answers for a service's port: by name or by number. */
export function targetedInbound(dataplane: Pick<Dataplane, 'spec'>, port: MeshServicePort): Inbound | undefined {
  const target = port.targetPort ?? port.port
  const inbounds = dataplane.spec.networking.inbound ?? []
  return (
    inbounds.find(inbound => inboundName(inbound) === target) ??
    inbounds.find(inbound => inbound.port === target) ??
    inbounds.find(inbound => inboundName(inbound) === portName(port))
  )
}
