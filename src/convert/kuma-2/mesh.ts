import type { Field } from '../field.ts'
import { convertMtls } from './mesh-identity.ts'
import { convertMetrics } from './metrics.ts'
import { convertBackends } from './observability.ts'
import { ofMesh } from './of-mesh.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

/** A Mesh is a name here: what it said of its proxies is said by policies and identities, named for what they say. */
export function convertMesh(source: Source, world: World, out: Output): void {
  out.add(source, { kind: 'Mesh', spec: {} })
  const { spec } = source
  const inMesh = { ...source, mesh: source.name, labels: {} }
  convertMtls(inMesh, world, out)
  convertBackends('tracing', inMesh, world, out)
  convertBackends('logging', inMesh, world, out)
  convertMetrics(inMesh, out)
  addPassthrough(inMesh, out)
  addRouting(inMesh, out)
  readMode(spec.at('meshServices', 'mode'))
  spec.member('skipCreatingInitialPolicies')?.keep('a mesh begins without policies; only that of a first start has some')
  spec.member('constraints')?.drop('who may join with which labels is said by the tokens of Dataplanes: skerry token dataplane --workload')
  for (const name of ['meshServices', 'networking', 'routing', 'metrics', 'mtls']) {
    const field = spec.member(name)
    if (field !== undefined && field.members().length === 0) field.keep('it says nothing')
  }
}

function readMode(mode: Field | undefined): void {
  if (mode?.value === 'Exclusive') mode.keep('the only one')
  else mode?.approximate('as Exclusive: every service is a MeshService')
}

/** In Kuma 2 whatever the mesh did not know could be reached unless it was forbidden; here it is the other way round. */
function addPassthrough(source: Source, out: Output): void {
  const field = source.spec.at('networking', 'outbound', 'passthrough')
  const allowed = field === undefined ? true : (field.member('value')?.value ?? field.value)
  field?.keep('as MeshPassthrough')
  out.add(source, {
    kind: 'MeshPassthrough',
    name: ofMesh,
    spec: { default: { passthroughMode: allowed === false ? 'None' : 'All' } },
    ...(field === undefined ? { because: 'in Kuma 2 what the mesh does not know could be reached by default' } : { field }),
  })
}

function addRouting(source: Source, out: Output): void {
  const routing = source.spec.member('routing')
  const local = routing?.member('localityAwareLoadBalancing')
  if (local !== undefined) {
    local.keep('as MeshLoadBalancingStrategy')
    const localityAwareness = { disabled: local.value !== true }
    out.add(source, {
      kind: 'MeshLoadBalancingStrategy',
      name: ofMesh,
      spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { localityAwareness } }] },
      field: local,
    })
  }
  routing
    ?.member('zoneEgress')
    ?.approximate(
      'what a MeshExternalService names leaves through the zone gateway where the zone has one; other zones are reached directly',
    )
  routing
    ?.member('defaultForbidMeshExternalServiceAccess')
    ?.drop('access to external services is given where traffic leaves the zone: write a MeshTrafficPermission for the zone gateway')
}
