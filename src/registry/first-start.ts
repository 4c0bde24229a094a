import type { ResourceDraft } from '../model/resource.ts'
import type { Registry } from './registry.ts'
import { RevisionConflictError } from './store.ts'

/** Was nothing ever written here? A store whose content somebody deleted has a history, and is no first start. */
export function isFirstStart(registry: Registry): boolean {
  return registry.revision === 0
}

/** Writes what a store begins with, all of it or nothing: another replica that starts at the same time may have been quicker. */
export async function writeFirst(registry: Registry, drafts: readonly ResourceDraft[]): Promise<void> {
  try {
    await registry.commit(drafts.map(draft => ({ kind: 'put', draft, expect: 'absent' })))
  } catch (error) {
    if (!(error instanceof RevisionConflictError)) throw error
  }
}
