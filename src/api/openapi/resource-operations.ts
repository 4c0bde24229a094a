import type { KindDefinition } from '../../model/kind.ts'
import { blockingParameters, flag, header, type Operation, pageParameters, query, ref } from './operation.ts'

const dryRun = query('dryRun', 'Check everything and write nothing.', { ...flag, default: false })

/** Reading and writing the resources of a kind. */
export function resourceOperations(kind: KindDefinition): Operation[] {
  const list = kind.scope === 'mesh' ? `/meshes/{mesh}/${kind.path}` : `/${kind.path}`
  return [
    ...listOperations(kind, list),
    ...readOperations(kind, `${list}/{name}`),
    ...(kind.readOnly ? [] : writeOperations(kind, `${list}/{name}`)),
  ]
}

function listOperations(kind: KindDefinition, path: string): Operation[] {
  const list = (at: string, id: string, summary: string): Operation => ({
    method: 'get',
    path: at,
    id,
    tag: kind.pluralDisplayName,
    summary,
    parameters: [...pageParameters, ...blockingParameters],
    answer: { description: 'A page of them.', schema: ref(`${kind.kind}List`), headers: ['X-Skerry-Revision', 'X-Skerry-Index'] },
  })
  if (kind.scope === 'global') return [list(path, `list${kind.kind}`, `List ${kind.pluralDisplayName}`)]
  return [
    list(path, `list${kind.kind}`, `List ${kind.pluralDisplayName} of a mesh`),
    list(`/${kind.path}`, `list${kind.kind}OfAllMeshes`, `List ${kind.pluralDisplayName} of every mesh`),
  ]
}

function readOperations(kind: KindDefinition, path: string): Operation[] {
  return [
    {
      method: 'get',
      path,
      id: `get${kind.kind}`,
      tag: kind.pluralDisplayName,
      summary: `Show a ${kind.displayName}`,
      parameters: [
        query('format', 'In which form.', { type: 'string', enum: ['universal', 'k8s', 'kubernetes'], default: 'universal' }),
        header('If-None-Match', 'The ETag of what the caller has: 304 when it is still that.'),
        ...blockingParameters,
      ],
      answer: { description: 'The resource.', schema: ref(kind.kind), headers: ['ETag', 'X-Skerry-Revision', 'X-Skerry-Index'] },
    },
  ]
}

function writeOperations(kind: KindDefinition, path: string): Operation[] {
  const tag = kind.pluralDisplayName
  const conditions = [
    header('If-Match', 'Only if it still has this ETag.'),
    header('If-None-Match', '`*`: only if there is none yet.'),
    dryRun,
  ]
  return [
    {
      method: 'put',
      path,
      id: `put${kind.kind}`,
      tag,
      summary: `Create or replace a ${kind.displayName}`,
      parameters: conditions,
      body: ref(kind.kind),
      answer: { description: 'It was replaced, or is as it was.', schema: ref('Written'), headers: ['ETag', 'X-Skerry-Revision'] },
      otherAnswers: [{ status: 201, description: 'It was created.', schema: ref('Written'), headers: ['ETag', 'X-Skerry-Revision'] }],
    },
    {
      method: 'delete',
      path,
      id: `delete${kind.kind}`,
      tag,
      summary: `Delete a ${kind.displayName}`,
      parameters: conditions,
      answer: { description: 'It is gone.', schema: ref('Written'), headers: ['X-Skerry-Revision'] },
    },
  ]
}
