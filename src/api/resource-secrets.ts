import { kindByName } from '../model/kinds/index.ts'
import { managedByLabel, managedBySkerry } from '../model/labels.ts'
import type { Resource } from '../model/resource.ts'
import { ApiError } from './problem.ts'

/** A control plane's own keys: they are made where they are used, and nobody reads them through the API, admins neither. */
export function isHidden({ kind, labels }: Pick<Resource, 'kind' | 'labels'>): boolean {
  return kindByName(kind)?.secret === true && labels[managedByLabel] === managedBySkerry
}

export function refuseHiddenSecret(resource: Resource): void {
  if (!isHidden(resource)) return
  throw new ApiError({
    status: 405,
    code: 'SKERRY_SECRET_NOT_SHOWN',
    title: 'Method not Allowed',
    detail: `the ${resource.kind} '${resource.name}' holds a key of the control plane, which is never shown`,
    fix: 'leave it to the control plane',
  })
}
