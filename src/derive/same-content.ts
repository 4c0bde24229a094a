import { isDeepStrictEqual } from 'node:util'
import type { Resource, ResourceDraft } from '../model/resource.ts'

/** Would writing the draft leave the resource as it is? */
export function sameContent(resource: Resource | undefined, draft: ResourceDraft): boolean {
  return (
    resource !== undefined &&
    isDeepStrictEqual(resource.labels, draft.labels) &&
    isDeepStrictEqual(resource.spec, draft.spec) &&
    isDeepStrictEqual(resource.status, draft.status)
  )
}
