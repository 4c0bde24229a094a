import { isObject } from '../../../src/model/is-object.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import { parseKri } from '../../../src/model/kri.ts'
import { ProviderError } from '../../sdk/provider/problem.ts'

/** What names a resource of a kind at the control plane. `mesh` is '' for kinds of global scope. */
export interface Key {
  readonly mesh: string
  readonly name: string
}

export type PathKind = Pick<KindDefinition, 'kind' | 'path' | 'scope' | 'short'>

export function apiPath(kind: PathKind, { mesh, name }: Key): string {
  const item = `/${kind.path}/${encodeURIComponent(name)}`
  return kind.scope === 'mesh' ? `/meshes/${encodeURIComponent(mesh)}${item}` : item
}

/** `MESH/NAME`, or `NAME` for what is in no mesh. */
export function formatId({ mesh, name }: Key): string {
  return mesh === '' ? name : `${mesh}/${name}`
}

/** Reads an import id: `MESH/NAME` (`NAME` for what is in no mesh), a KRI, or Kong's `{"mesh": "default", "name": "x"}`. */
export function parseId(kind: PathKind, id: string): Key {
  const key = id.startsWith('{') ? fromJson(id) : id.startsWith('kri_') ? fromKri(kind, id) : fromText(kind, id)
  if (key !== undefined && key.name !== '' && (kind.scope === 'global') === (key.mesh === '')) return key
  const wanted = kind.scope === 'global' ? 'NAME' : 'MESH/NAME'
  throw new ProviderError({
    summary: `${JSON.stringify(id)} does not name a ${kind.kind}`,
    detail: `Import it as ${wanted}, such as ${kind.scope === 'global' ? 'example' : 'default/example'}, or by its KRI (kri_${kind.short}_…).`,
  })
}

function fromText({ scope }: PathKind, id: string): Key | undefined {
  const parts = id.split('/')
  if (parts.length !== (scope === 'global' ? 1 : 2) || parts.includes('')) return undefined
  const [name = '', mesh = ''] = parts.reverse()
  return { mesh, name }
}

function fromKri({ short }: PathKind, id: string): Key | undefined {
  const kri = parseKri(id)
  return kri === null || kri.short !== short ? undefined : { mesh: kri.mesh, name: kri.name }
}

function fromJson(id: string): Key | undefined {
  try {
    const said: unknown = JSON.parse(id)
    if (!isObject(said) || typeof said.name !== 'string') return undefined
    return { mesh: typeof said.mesh === 'string' ? said.mesh : '', name: said.name }
  } catch {
    return undefined
  }
}
