import type { SourceTest } from '../../api/discovery.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { sourcePath, tellUnreachable, type Unreachable } from '../discovery-path.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

interface Tested {
  readonly items: readonly SourceTest[]
  readonly unreachable: readonly Unreachable[]
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, io } = invocation
  const [source] = args
  if (source === undefined) throw usageError('which source?', 'skerry discovery list shows them')
  const api = await invocation.api()
  const body = (await api.ask('POST', sourcePath(invocation, source, 'test'))).body as Tested
  tellUnreachable(body.unreachable, invocation)
  const things = body.items.flatMap(test => test.scopes.flatMap(scope => scope.things))
  const table = () => ({
    columns: ['ZONE', 'SCOPE', 'ID', 'OUTCOME', 'WORKLOAD', 'ADDRESS', 'REASON'],
    rows: things.map(({ zone, scope, id, outcome, workload, address, ports, reason }) => [
      zone,
      scope,
      id,
      outcome,
      workload ?? '-',
      address === undefined ? '-' : `${address}:${(ports ?? []).map(({ port }) => port).join(',')}`,
      reason,
    ]),
  })
  await printAnswer({ body, items: body.items, names: things.map(({ id }) => id), table }, invocation)
  const problems = body.items.flatMap(problemsOf)
  for (const problem of problems) io.err(`${problem}\n`)
  return problems.length > 0 ? exitCodes.failed : exitCodes.ok
}

function problemsOf({ zone, error, fix, scopes }: SourceTest): string[] {
  return [
    ...(error === '' ? [] : [`zone ${zone}: ${error}${fix === '' ? '' : `; ${fix}`}`]),
    ...scopes.filter(scope => scope.error !== '').map(scope => `zone ${zone}, ${scope.scope}: ${scope.error}`),
    ...scopes
      .filter(scope => scope.error === '' && !scope.complete)
      .map(scope => `zone ${zone}, ${scope.scope}: the listing is not complete: ${scope.missing.join('; ')}`),
  ]
}
