import type { ApiClient, ApiResponse } from '../api-client.ts'
import { toApiError } from '../api-error.ts'
import { CliError, errorAsJson, formatError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { FileObject } from '../file-objects.ts'
import { readObjects } from '../files.ts'
import { itemPath } from '../nouns.ts'
import { printAnswer } from '../output/format.ts'

type Result = 'created' | 'configured' | 'unchanged' | 'rejected'

interface Applied {
  readonly object: FileObject
  readonly result: Result
  readonly warnings: readonly string[]
  readonly error?: CliError
}

export async function run(invocation: Invocation): Promise<number> {
  const { options, mesh, format, io } = invocation
  const objects = await readObjects((options.filename as readonly string[] | undefined) ?? [], mesh, io)
  const api = await invocation.api()
  const applied: Applied[] = []
  for (const object of objects) {
    const outcome = await applyOne(api, object)
    applied.push(outcome)
    for (const warning of outcome.warnings) io.err(`warning: ${object.place('')} ${object.kind.kind} ${object.name}: ${warning}\n`)
    if (outcome.error) io.err(format === 'json' || format === 'jsonl' ? errorAsJson(outcome.error) : formatError(outcome.error))
  }
  const body = applied.map(({ object, result, warnings }) => ({
    type: object.kind.kind,
    ...(object.mesh ? { mesh: object.mesh } : {}),
    name: object.name,
    result,
    ...(warnings.length ? { warnings } : {}),
  }))
  const rows = applied.map(({ object, result }) => [object.kind.kind, object.mesh, object.name, result])
  await printAnswer(
    {
      body,
      items: body,
      names: applied.map(({ object }) => `${object.kind.path}/${object.name}`),
      table: () => ({ columns: ['KIND', 'MESH', 'NAME', 'RESULT'], rows }),
    },
    invocation,
  )
  return exitCodeOfAll(applied)
}

/** Reads what is there first: only so can "unchanged" be told from "configured". */
async function applyOne(api: ApiClient, object: FileObject): Promise<Applied> {
  const path = itemPath(object.kind, object.mesh, object.name)
  const before = await api.send('GET', path)
  const response = await api.send('PUT', path, object.body)
  if (response.status === 200 || response.status === 201) {
    const result = response.status === 201 ? 'created' : (await isUnchanged(api, path, before, response)) ? 'unchanged' : 'configured'
    return { object, result, warnings: (response.body as { warnings?: readonly string[] } | undefined)?.warnings ?? [] }
  }
  const error = toApiError(response, `PUT ${path}`)
  // Neither of these is about the object: every other one would fail the same way.
  if (error.exitCode === exitCodes.notAuthorised || error.exitCode === exitCodes.temporary) throw error
  return { object, result: 'rejected', warnings: [], error: withPlaces(error, object) }
}

async function isUnchanged(api: ApiClient, path: string, before: ApiResponse, after: ApiResponse): Promise<boolean> {
  if (before.status !== 200) return false
  if (before.etag !== undefined && after.etag !== undefined) return before.etag === after.etag
  return (await api.send('GET', path)).text === before.text
}

/** The API names fields; a person wants to know where in the file they stand. */
function withPlaces(error: CliError, object: FileObject): CliError {
  const { problem } = error
  const parameters = problem?.invalid_parameters?.map(({ field, reason }) => ({ field: `${object.place(field)} ${field}`, reason }))
  return new CliError(`${object.kind.kind} ${object.name} is refused: ${error.message}`, {
    code: error.code,
    exitCode: error.exitCode === exitCodes.conflict ? exitCodes.conflict : exitCodes.badInput,
    fix: error.fix ?? (parameters?.length ? 'correct the file at that place and apply it again' : 'correct the object and apply it again'),
    problem: { ...problem, ...(parameters ? { invalid_parameters: parameters } : { detail: `${object.place('')}: ${error.message}` }) },
  })
}

function exitCodeOfAll(applied: readonly Applied[]): number {
  const rejected = applied.filter(({ result }) => result === 'rejected')
  if (rejected.length === 0) return exitCodes.ok
  return rejected.length < applied.length ? exitCodes.partlyApplied : (rejected[0]!.error?.exitCode ?? exitCodes.badInput)
}
