import { readFile } from 'node:fs/promises'
import { SourceConfigError } from '../../adapters/adapter.ts'
import type { Secret } from '../../model/kinds/secret.ts'
import type { SecretReference } from '../../model/schema.ts'
import type { Registry } from '../../registry/registry.ts'

/** What a source refers to. Throws SourceConfigError when it is not there. */
export async function readSecret(
  reference: SecretReference,
  mesh: string,
  { registry, env }: { readonly registry: Registry; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<Uint8Array> {
  switch (reference.type) {
    case 'File':
      try {
        return await readFile(reference.file.path)
      } catch (error) {
        throw new SourceConfigError('file.path', `${reference.file.path} cannot be read: ${(error as Error).message}`)
      }
    case 'EnvVar': {
      const value = env[reference.envVar.name]
      if (value === undefined || value === '')
        throw new SourceConfigError('envVar.name', `${reference.envVar.name} is not set where the zone's control plane runs`)
      return Buffer.from(value)
    }
    case 'Secret': {
      const { name } = reference.secretRef
      const secret = registry.get<Secret>({ kind: 'Secret', mesh, name })
      if (secret === undefined)
        throw new SourceConfigError('secretRef.name', `there is no Secret ${name} in mesh ${mesh} of this zone: skerry apply one`)
      return Buffer.from(secret.spec.data, 'base64')
    }
  }
}
