import { kindByName } from '../../src/model/kinds/index.ts'
import { checkSpec } from '../../src/model/validate.ts'

/**
 * A body without the fields that Kuma's data still has and its pre-release ignores: 3.0 removed them and refuses them, as we do. Everything
 * else stays as it is, also what is wrong.
 */
export function withoutRemovedFields(body: string): string {
  const resource = JSON.parse(body) as Readonly<Record<string, unknown>>
  const kind = kindByName(String(resource.type))
  if (!kind) return body
  if (kind.shape === 'spec') return JSON.stringify({ ...resource, spec: checkSpec(kind, resource.spec ?? {}, 'drop').spec })
  const { type, mesh, name, labels, creationTime, modificationTime, ...fields } = resource
  return JSON.stringify({ type, mesh, name, labels, creationTime, modificationTime, ...(checkSpec(kind, fields, 'drop').spec as object) })
}
