import Type, { type TSchema } from 'typebox'
import { shape, text } from './common.ts'
import { event, eventPage } from './event.ts'
import { mesh, meshPage, policyPage, workload, workloadPage } from './mesh.ts'
import { problem, problemPage } from './problem.ts'
import { proxy, proxyPage } from './proxy.ts'
import { service, servicePage, tiers } from './service.ts'
import { summary } from './summary.ts'
import { zone, zonePage } from './zone.ts'

/** One thing, with what is wrong with it and what happened to it. */
function itemOf<T extends TSchema>(item: T, description: string) {
  return shape(
    {
      revision: text('what the stream’s `from` takes: everything up to here is in this answer'),
      item,
      problems: Type.Array(problem, { description: 'what is wrong with it, at most 20' }),
      events: Type.Array(event, { description: 'what happened to it, the newest first, at most 20' }),
    },
    { description },
  )
}

export const zoneItem = itemOf(zone, 'a zone; its problems and events are also those of what is in it')
export const proxyItem = itemOf(proxy, 'a proxy')
export const workloadItem = itemOf(workload, 'a workload; its problems and events are those of the service of its name')
export const meshItem = itemOf(mesh, 'a mesh; its problems and events are those of what is in it')
export const serviceItem = shape(
  {
    ...itemOf(service, '').properties,
    tiers: Type.Array(tiers, { description: 'where callers of each zone go, in which order; empty for what does not fail over' }),
  },
  { description: 'a service' },
)

/** Schemas that have a name of their own in the description of the API. */
export const namedSchemas: Readonly<Record<string, TSchema>> = {
  Summary: summary,
  Problem: problem,
  ProblemPage: problemPage,
  Zone: zone,
  ZonePage: zonePage,
  ZoneItem: zoneItem,
  Service: service,
  ServicePage: servicePage,
  ServiceItem: serviceItem,
  Workload: workload,
  WorkloadPage: workloadPage,
  WorkloadItem: workloadItem,
  Proxy: proxy,
  ProxyPage: proxyPage,
  ProxyItem: proxyItem,
  Mesh: mesh,
  MeshPage: meshPage,
  MeshItem: meshItem,
  PolicyPage: policyPage,
  Event: event,
  EventPage: eventPage,
}
