import type { FastifyRequest } from 'fastify'
import type { Mesh } from '../../model/kinds/mesh.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Visibility } from './model/table.ts'

/**
 * What the sender of a request may see; undefined = everything, for whoever may see the control plane's status. Others see the meshes that
 * they may read as a whole, without what is of no mesh. Throws the 403 of who may see nothing.
 */
export function visibilityOf({ access }: Pick<FastifyRequest, 'access'>, registry: Pick<Registry, 'list'>): Visibility | undefined {
  const status = { verb: 'read', area: 'status' } as const
  if (access.decide(status).kind === 'allowed') return undefined
  const isWhole = (mesh: string) =>
    inMeshes.every(kind => access.decide({ verb: 'read', area: 'resources', kind, mesh }).kind === 'allowed')
  const meshes = registry.list<Mesh>('Mesh').filter(mesh => access.mayRead(mesh) && isWhole(mesh.name))
  if (meshes.length === 0) access.require(status)
  return { meshes: new Set(meshes.map(({ name }) => name)) }
}

/** Of what rows are made. Who may read only some of a kind – of one zone, of some names – sees none of a mesh's rows. */
const inMeshes = ['Dataplane', 'MeshService', 'MeshMultiZoneService', 'MeshTrust']
