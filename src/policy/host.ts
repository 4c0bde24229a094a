import { pickByHost, readHost, splitHost } from '../model/hostname.ts'
import { describeService, findPort } from './rules/find-service.ts'
import type { ServicePort, ServiceView } from './service-index.ts'
import type { MeshView } from './view.ts'

/**
 * The service that a host name, with or without a port, means to callers of this view's zone: the one whose status says that a
 * HostnameGenerator gave it that name, else what the name itself says (`model/hostname.ts` has the rule). Without a port, and with
 * port 80, a service's first port will do.
 */
export function resolveHost(view: MeshView, host: string): { service: ServiceView; port: ServicePort } | null {
  const asked = splitHost(host)
  if (!asked) return null
  const service = view.serviceCalled(asked.hostname) ?? serviceByRule(view, asked.hostname)
  if (!service) return null
  const port = findPort(service, asked.port, undefined) ?? (asked.port === 80 ? service.ports[0] : null)
  return port ? { service, port } : null
}

function serviceByRule(view: MeshView, hostname: string): ServiceView | undefined {
  const reference = readHost(hostname, view.zone)
  return reference ? pickByHost(reference, view.servicesNamed(reference.name), describeService, view.zone) : undefined
}
