import type { KindDefinition } from '../../model/kind.ts'
import { toApiError } from '../api-error.ts'
import { CliError, usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readObjects } from '../files.ts'
import { findObject, itemPath, readNoun } from '../nouns.ts'
import { printAnswer } from '../output/format.ts'

interface Target {
  readonly kind: KindDefinition
  readonly mesh: string
  readonly name: string
}

export async function run(invocation: Invocation): Promise<number> {
  const targets = await readTargets(invocation)
  const api = await invocation.api()
  const body: { type: string; mesh?: string; name: string; result: 'deleted' | 'not found' }[] = []
  for (const { kind, mesh, name } of targets) {
    const path = itemPath(kind, mesh, name)
    const response = await api.send('DELETE', path)
    if (response.status !== 404 && (response.status < 200 || response.status > 299)) throw toApiError(response, `DELETE ${path}`)
    body.push({ type: kind.kind, ...(mesh ? { mesh } : {}), name, result: response.status === 404 ? 'not found' : 'deleted' })
  }
  const rows = body.map(({ type, mesh, name, result }) => [type, mesh ?? '', name, result])
  await printAnswer(
    {
      body,
      items: body,
      names: targets.map(({ kind, name }) => `${kind.path}/${name}`),
      table: () => ({ columns: ['KIND', 'MESH', 'NAME', 'RESULT'], rows }),
    },
    invocation,
  )
  return body.some(({ result }) => result === 'not found') && !invocation.options.ignoreNotFound ? exitCodes.notFound : exitCodes.ok
}

async function readTargets(invocation: Invocation): Promise<readonly Target[]> {
  const { args, mesh, options, io } = invocation
  const files = (options.filename as readonly string[] | undefined) ?? []
  if (files.length > 0) {
    if (args[0] !== undefined) throw usageError('a kind and a file are two answers to what to delete', 'give KIND NAME, or -f FILE')
    // What rests on others goes first.
    return (await readObjects(files, mesh, io)).reverse()
  }
  if (args[0] === undefined) throw usageError('what is to be deleted?', 'give KIND NAME, or -f FILE')
  const { kind, name } = readNoun(args)
  if (name === undefined) throw usageError(`which of the ${kind.path}?`, `give a name: skerry delete ${kind.path} NAME`)
  const ofMesh = kind.scope === 'global' ? '' : mesh
  // A secret cannot be looked up: it is never shown.
  if (kind.secret) return [{ kind, mesh: ofMesh, name }]
  try {
    return [{ kind, mesh: ofMesh, name: (await findObject(kind, name, invocation)).name }]
  } catch (error) {
    if (options.ignoreNotFound && error instanceof CliError && error.exitCode === exitCodes.notFound) return []
    throw error
  }
}
