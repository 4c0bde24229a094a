import { displayNameLabel, managedByLabel, managedBySkerry } from '../model/labels.ts'
import type { Resource, ResourceDraft, ResourceKey, Revision } from '../model/resource.ts'
import { type Clock, sleep } from '../std/clock.ts'

/** What this folder needs of a registry: somewhere to keep keys, shared by the replicas of a control plane. */
export interface SecretRegistry {
  get(key: ResourceKey): Resource | undefined
  commit(
    changes: readonly [{ readonly kind: 'put'; readonly draft: ResourceDraft; readonly expect: 'absent' | Revision }],
  ): Promise<unknown>
}

/** A Secret of a mesh, or with mesh '' a GlobalSecret. */
export interface SecretName {
  readonly mesh: string
  readonly name: string
}

/** How long a replica that lost the race waits to see the secret of the one that won. */
const PATIENCE_MS = 5_000

/** The text of a secret; the first replica that needs it makes it, the others take what it made. */
export async function loadOrCreateSecret(
  registry: SecretRegistry,
  { mesh, name }: SecretName,
  create: () => Promise<string>,
  clock: Clock,
): Promise<string> {
  const key = { kind: mesh === '' ? 'GlobalSecret' : 'Secret', mesh, name }
  const kept = registry.get(key)
  if (kept) return secretText(kept)

  const text = await create()
  try {
    await registry.commit([{ kind: 'put', draft: secretDraft(key, text), expect: 'absent' }])
    return text
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'SKERRY_REVISION_CONFLICT') throw error
    return secretText(await waitFor(registry, key, clock, error))
  }
}

/** A secret of the control plane's own, which nobody writes through the API. */
export function secretDraft(key: ResourceKey, text: string): ResourceDraft {
  return { ...key, labels: { [displayNameLabel]: key.name, [managedByLabel]: managedBySkerry }, spec: { data: base64(text) } }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** This registry's memory follows the store: what another replica committed a moment ago may still be on its way. */
async function waitFor(registry: SecretRegistry, key: ResourceKey, clock: Clock, cause: unknown): Promise<Resource> {
  const until = clock.monotonic() + PATIENCE_MS
  for (;;) {
    const kept = registry.get(key)
    if (kept) return kept
    if (clock.monotonic() > until) throw cause
    await sleep(clock, 20)
  }
}

/** What a Secret or GlobalSecret holds. */
export function secretText(resource: Resource): string {
  return Buffer.from((resource.spec as { readonly data: string }).data, 'base64').toString()
}
