import { workloadLabel } from '../../model/labels.ts'
import type { Field } from '../field.ts'
import { callersByService, callersByTags, everyCaller, type Matched } from './identity-match.ts'
import { noteService } from './tags.ts'
import { impossible, targeted } from './targeted.ts'
import type { World } from './world.ts'

/** Which callers an item of `from` is about, by their identities. */
export function callers(field: Field, mesh: string, world: World): Matched {
  const matched = readCallers(field, mesh, world)
  if (matched.kind === 'ok') {
    field.member('kind')?.keep('as spiffeID')
    field.member('proxyTypes')?.approximate('callers of all types: an identity does not say the type of a proxy')
  }
  return matched
}

function readCallers(field: Field, mesh: string, world: World): Matched {
  const name = field.text('name')
  switch (field.text('kind')) {
    case 'Mesh':
      return targeted(everyCaller(mesh))
    case 'MeshSubset':
      return callersByTags(mesh, field.member('tags'), world)
    case 'MeshService':
    case 'MeshServiceSubset': {
      if ((field.member('tags')?.members().length ?? 0) > 0)
        return impossible('callers are known by their identity, which is that of the whole service')
      if (name === undefined) return impossible('it names no service')
      const matched = callersByService(mesh, name, world)
      if (matched.kind === 'ok') {
        noteService(field.member('name')!, name)
        field.member('namespace')?.approximate('an identity does not say the namespace')
      }
      return matched
    }
    case 'Dataplane': {
      const workload = field.text('labels', workloadLabel)
      const labels = field.member('labels')?.members() ?? []
      if (workload === undefined || labels.length !== 1)
        return impossible('callers are known by their identity: of labels only kuma.io/workload is in it')
      const matched = callersByService(mesh, workload, world)
      if (matched.kind === 'ok') field.member('labels')!.keep('as spiffeID')
      return matched
    }
    default:
      return impossible(`callers are not selected by ${field.text('kind')}`)
  }
}
