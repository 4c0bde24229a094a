import type { SecretReference } from '../../model/schema.ts'
import type { AdapterDeps } from '../adapter.ts'

/** PEM of the CA that signs the certificate of a source's `endpoint`; undefined = a public one. */
export async function readCa(reference: SecretReference | undefined, { secret }: Pick<AdapterDeps, 'secret'>): Promise<string | undefined> {
  return reference === undefined ? undefined : new TextDecoder().decode(await secret(reference))
}
