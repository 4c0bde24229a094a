import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'

/** What a control plane remembers of itself, e.g. the id of its cluster. */
export const configKind = defineKind({
  kind: 'Config',
  short: 'cfg',
  path: 'configs',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  description: 'What a control plane remembers of itself.',
  example: { name: 'kuma-cluster-id', spec: { config: 'f4c0b35e-9d3c-4f0c-a6ac-0c6b0f4e0c5e' } },
  spec: closed({ config: Type.String() }),
  secret: true,
  includeInFederation: false,
  columns: [],
})
export type Config = ResourceOf<typeof configKind>
