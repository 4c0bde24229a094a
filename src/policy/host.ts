import { pickByHost, readHost, shortHost, splitHost } from '../model/hostname.ts'
import { kriOf, parseKri } from '../model/kri.ts'
import { describeService, findPort } from './rules/find-service.ts'
import type { ServicePort, ServiceView } from './service-index.ts'
import type { MeshView } from './view.ts'

/** Finds what a name means to callers of a view's zone; null = nothing. */
export type ResolveHost = (view: MeshView, name: string) => { service: ServiceView; port: ServicePort } | null

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

/** The service that an application without a proxy means: by its KRI, with or without a port's name; by its name alone, which means the nearest;
 *  or by a host name. */
export function resolveName(view: MeshView, name: string): { service: ServiceView; port: ServicePort } | null {
  if (parseKri(name)) return resolveKri(view, name)
  const asked = splitHost(name)
  if (!asked) return null
  const isPlain = asked.hostname !== '' && !asked.hostname.includes('.')
  // What is behind the colon is a port of the service; without one its first will do, as with a host name's port 80.
  const host = isPlain ? shortHost(asked.hostname) : asked.hostname
  return resolveHost(view, `${host}:${asked.port ?? 80}`)
}

function resolveKri(view: MeshView, kri: string): { service: ServiceView; port: ServicePort } | null {
  for (const service of view.servicesNamed(parseKri(kri)!.name)) {
    const port =
      kriOf(service.resource) === kri ? service.ports[0] : service.ports.find(({ name }) => kriOf(service.resource, name) === kri)
    if (port) return { service, port }
  }
  return null
}

function serviceByRule(view: MeshView, hostname: string): ServiceView | undefined {
  const reference = readHost(hostname, view.zone)
  return reference ? pickByHost(reference, view.servicesNamed(reference.name), describeService, view.zone) : undefined
}
