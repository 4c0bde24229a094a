import Type from 'typebox'
import { defineKind, type ResourceOf } from '../kind.ts'
import { closed } from '../schema.ts'

const spec = closed({ data: Type.String({ format: 'base64', pattern: '^[A-Za-z0-9+/]*={0,2}$', mustBe: 'base64' }) })

/** What must not be seen: keys and credentials of one mesh. Stays on the control plane that made it. */
export const secretKind = defineKind({
  kind: 'Secret',
  short: 's',
  path: 'secrets',
  scope: 'mesh',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  description: 'What must not be seen: keys and credentials of one mesh. It is taken and used, and never shown.',
  example: { name: 'registry-token', spec: { data: 'dG9rZW4=' } },
  spec,
  secret: true,
  columns: [],
})
export type Secret = ResourceOf<typeof secretKind>
export type SecretSpec = Secret['spec']

/** As a Secret, for the control plane itself. */
export const globalSecretKind = defineKind({
  kind: 'GlobalSecret',
  short: 'gs',
  path: 'globalsecrets',
  scope: 'global',
  shape: 'flat',
  sync: 'none',
  naming: 'rfc1123',
  description: 'As a Secret, for the control plane itself.',
  example: { name: 'user-token-revocations', spec: { data: 'dG9rZW4=' } },
  spec,
  secret: true,
  columns: [],
})
export type GlobalSecret = ResourceOf<typeof globalSecretKind>
