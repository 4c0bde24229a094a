import { findKind } from '../../model/kinds/index.ts'
import { rotationLabel } from '../../model/labels.ts'
import { toApiError } from '../api-error.ts'
import { CliError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { collectionPath, findObject, itemPath } from '../nouns.ts'
import { printAnswer } from '../output/format.ts'
import { displayNameOf, type WireObject } from '../output/wire-object.ts'

/** Asks for new roots: a MeshIdentity that says when it wants one is what every zone compares with what it has done. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, mesh } = invocation
  const kind = findKind('MeshIdentity')!
  const api = await invocation.api()
  const found = args[0]
    ? [await findObject(kind, args[0], invocation)]
    : (await api.list<WireObject>(collectionPath(kind, mesh))).items.filter(isBundled)
  if (found.length === 0) {
    throw new CliError(`mesh ${mesh} has no MeshIdentity whose roots the zones make`, {
      code: 'SKERRY_NOTHING_TO_ROTATE',
      exitCode: exitCodes.notFound,
      fix: 'only identities with provider Bundled have roots here: skerry get meshidentities',
    })
  }
  const rotation = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  for (const identity of found) {
    const path = itemPath(kind, mesh, identity.name)
    const { etag } = await api.ask('GET', path)
    const body = { ...identity, labels: { ...identity.labels, [rotationLabel]: rotation } }
    const response = await api.send('PUT', path, body, etag ? { 'if-match': etag } : {})
    if (response.status < 200 || response.status > 299) throw toApiError(response, `PUT ${path}`)
  }
  const body = found.map(identity => ({ mesh, identity: displayNameOf(identity), rotation }))
  await printAnswer(
    {
      body,
      items: body,
      names: body.map(({ identity }) => `${kind.path}/${identity}`),
      table: () => ({ columns: ['MESH', 'IDENTITY', 'ROTATION'], rows: body.map(it => [it.mesh, it.identity, it.rotation]) }),
    },
    invocation,
  )
  return exitCodes.ok
}

function isBundled({ spec }: WireObject): boolean {
  return (spec as { readonly provider?: { readonly type?: string } } | undefined)?.provider?.type === 'Bundled'
}
