import type { ApiClient } from '../api-client.ts'
import { toApiError } from '../api-error.ts'
import { type BulkItem, sendBulk } from '../bulk.ts'
import { CliError, usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readObjects } from '../files.ts'
import { findObject, itemPath, readNoun } from '../nouns.ts'
import { printAnswer } from '../output/format.ts'

type Target = Pick<BulkItem, 'kind' | 'mesh' | 'name' | 'place'>

export async function run(invocation: Invocation): Promise<number> {
  const targets = await readTargets(invocation)
  const api = await invocation.api()
  const body = targets.length === 1 ? [await deleteOne(api, targets[0]!)] : await deleteTogether(api, targets)
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

interface Deleted {
  readonly type: string
  readonly mesh?: string
  readonly name: string
  readonly result: 'deleted' | 'not found'
}

async function deleteOne(api: ApiClient, { kind, mesh, name }: Target): Promise<Deleted> {
  const path = itemPath(kind, mesh, name)
  const response = await api.send('DELETE', path)
  if (response.status !== 404 && (response.status < 200 || response.status > 299)) throw toApiError(response, `DELETE ${path}`)
  return { type: kind.kind, ...(mesh ? { mesh } : {}), name, result: response.status === 404 ? 'not found' : 'deleted' }
}

/** All of them or, where one is refused, none. */
async function deleteTogether(api: ApiClient, targets: readonly Target[]): Promise<Deleted[]> {
  const items = targets.map(target => {
    const { kind, mesh, name } = target
    return { ...target, body: { delete: { type: kind.kind, ...(mesh ? { mesh } : {}), name }, ignoreNotFound: true } }
  })
  const outcomes = await sendBulk(api, items, false)
  return outcomes.map(outcome => {
    if (outcome.kind !== 'done') throw outcomes.find(it => it.kind === 'rejected')!.error
    const { kind, mesh, name } = outcome.item
    return { type: kind.kind, ...(mesh ? { mesh } : {}), name, result: outcome.result === 'absent' ? 'not found' : 'deleted' }
  })
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
