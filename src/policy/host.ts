import { pickByHost, readHost } from '../model/hostname.ts'
import { describeService, findPort } from './find-service.ts'
import type { MeshView, ServicePort, ServiceView } from './view.ts'

/**
 * The service that a host name, with or without a port, means to callers of this view's zone (`model/hostname.ts` has the rule). Without a
 * port, and with port 80, a service's first port will do.
 */
export function resolveHost(view: MeshView, host: string): { service: ServiceView; port: ServicePort } | null {
  const reference = readHost(host, view.zone)
  if (!reference) return null
  const service = pickByHost(reference, view.servicesNamed(reference.name), describeService, view.zone)
  if (!service) return null
  const port = findPort(service, reference.port, undefined) ?? (reference.port === 80 ? service.ports[0] : null)
  return port ? { service, port } : null
}
