import type { TargetRef } from '../../model/target-ref.ts'
import type { Field } from '../field.ts'
import { serviceRefs } from './destination.ts'
import type { Source } from './source.ts'
import { selectByTags, serviceTag } from './tags.ts'
import type { World } from './world.ts'

/** The tags of each of a legacy policy's `sources`, `destinations` or `selectors`. */
export function legacySelectors({ spec }: Source, list: 'sources' | 'destinations' | 'selectors'): Field[] {
  return (spec.member(list)?.items() ?? []).flatMap(item => item.member('match') ?? [])
}

/** The proxies with such tags: undefined = all of the mesh; null = nothing selects them, which is said of the field. */
export function proxiesOf(match: Field, options: { readonly isOfHttp?: boolean } = {}): TargetRef | undefined | null {
  const selected = selectByTags(match, options)
  if (selected.kind === 'ok') return Object.keys(selected.value).length === 0 ? undefined : { kind: 'Dataplane', labels: selected.value }
  match.drop(selected.why)
  return null
}

/** The services with such tags; none, where nothing selects them. */
export function servicesOf(match: Field, mesh: string, world: World): readonly TargetRef[] {
  const service = match.member(serviceTag)
  const rest = match.without([serviceTag]).members()
  if (rest.some(([, { value }]) => value !== '*') || service === undefined) {
    match.drop(service === undefined ? 'it names no service' : 'a part of a service is no destination: only kuma.io/service selects one')
    return []
  }
  for (const [, field] of rest) field.keep('any value')
  if (service.value === '*') {
    service.keep('every destination')
    return [{ kind: 'Mesh' }]
  }
  const refs = serviceRefs(mesh, String(service.value), world)
  service.keep(`as ${refs.map(({ kind }) => kind).join(' and ')}`)
  return refs
}
