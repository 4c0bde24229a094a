import { shortHost, specificHost } from '../model/hostname.ts'
import { kriOf } from '../model/kri.ts'
import { memberPort } from './endpoints.ts'
import { generatedHostnames, type ServicePort, type ServiceView } from './service-index.ts'
import type { MeshView } from './view.ts'

/**
 * What callers of another zone may have dialled to get to a port of a service of this one, those names first that are its own. Most gRPC clients
 * send that name as SNI, whatever they are told to send (`envoy/grpc/tls.ts`). Only of gRPC ports: nobody else dials by name.
 */
export function dialledNames(
  view: MeshView,
  service: ServiceView,
  port: ServicePort,
): { readonly own: string[]; readonly united: string[] } {
  if (port.appProtocol !== 'grpc') return { own: [], united: [] }
  const united = view.unionsOf(service).flatMap(union => {
    const unionPort = union.ports.find(({ name }) => memberPort(union, name, service) === port.name)
    return unionPort ? namesOf(union, unionPort, '') : []
  })
  return { own: namesOf(service, port, view.zone), united }
}

function namesOf(service: ServiceView, port: ServicePort, zone: string): string[] {
  const { resource, displayName } = service
  const names = [displayName, shortHost(displayName), specificHost(displayName, zone, '-'), ...generatedHostnames(service)]
  const isFirst = service.ports.find(({ appProtocol }) => appProtocol === 'grpc') === port
  return [kriOf(resource, port.name), ...(isFirst ? [kriOf(resource), ...names] : [])]
}
