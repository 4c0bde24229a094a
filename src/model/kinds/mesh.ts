import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed, oneOf } from '../schema.ts'

/** A mesh is a name. Services are exclusive to it: the block exists so that Kuma's YAML loads. */
export const meshKind = defineKind({
  kind: 'Mesh',
  short: 'm',
  path: 'meshes',
  scope: 'global',
  shape: 'flat',
  sync: 'global',
  naming: 'rfc1035',
  description: 'A mesh is a name: services, proxies and policies belong to one.',
  example: { name: 'default', spec: {} },
  spec: closed({
    meshServices: Type.Optional(
      closed(
        { mode: Type.Optional(oneOf('Exclusive')) },
        { description: 'There is one way alone; the block is taken so that files that have it load.' },
      ),
    ),
  }),
  columns: [],
})
export type Mesh = ResourceOf<typeof meshKind>
export type MeshSpec = Mesh['spec']
