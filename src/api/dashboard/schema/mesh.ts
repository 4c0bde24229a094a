import Type, { type Static } from 'typebox'
import { count, pageOf, proxyCounts, shape, text } from './common.ts'

export const serviceCounts = shape(
  {
    total: count('services'),
    available: count('every zone with instances has a healthy one'),
    degraded: count('a zone with instances has no healthy one, another has'),
    unavailable: count('no instance is healthy'),
    empty: count('no instance is registered'),
    unknown: count('all zones are silent'),
  },
  { description: 'services by state' },
)
export type ServiceCounts = Static<typeof serviceCounts>

export const mesh = shape(
  {
    name: text('name'),
    kri: text('resource identifier'),
    services: serviceCounts,
    proxies: proxyCounts,
    workloads: count('workloads'),
    policies: count('policies of all kinds'),
    identities: count('MeshIdentities'),
    trustDomains: Type.Array(Type.String(), { description: 'trust domains that are known in it' }),
  },
  { description: 'a mesh' },
)
export type MeshRow = Static<typeof mesh>
export const meshPage = pageOf(mesh, 'meshes')

export const workloadZone = shape({
  zone: text('zone'),
  total: count('instances'),
  connected: count('of these: with a proxy that is connected'),
  ready: count('of these: requests may be sent there'),
})

export const workload = shape(
  {
    mesh: text('mesh'),
    name: text('workload'),
    total: count('instances in all zones'),
    connected: count('with a proxy that is connected'),
    ready: count('requests may be sent there'),
    agentless: count('without a proxy beside them'),
    zones: Type.Array(workloadZone, { description: 'by zone' }),
  },
  { description: 'what is deployed under one name' },
)
export type WorkloadRow = Static<typeof workload>
export const workloadPage = pageOf(workload, 'workloads')

export const policyCount = shape(
  {
    mesh: text('mesh'),
    kind: text('kind of policy'),
    path: text('where its resources are'),
    total: count('how many'),
    shadow: count('of these: only shown, not in force (`kuma.io/effect: shadow`)'),
  },
  { description: 'policies of one kind in one mesh' },
)
export type PolicyRow = Static<typeof policyCount>
export const policyPage = pageOf(policyCount, 'policies by mesh and kind')
