import { displayNameLabel, meshLabel } from '../../model/labels.ts'
import type { Field } from '../field.ts'
import { legacySelectors } from './legacy-selectors.ts'
import type { Output } from './output.ts'
import { parseServiceName } from './service-name.ts'
import type { Source } from './source.ts'
import { serviceTag, tagsOf, zoneTag } from './tags.ts'
import type { World } from './world.ts'

/** VirtualOutbound: names of services by a template. */
export function convertVirtualOutbound(source: Source, _: World, out: Output): void {
  const conf = source.spec.member('conf')
  const host = conf?.member('host')
  const parameters = new Map(
    (conf?.member('parameters')?.items() ?? []).map(it => [it.text('name') ?? '', it.text('tagKey') ?? it.text('name') ?? '']),
  )
  if (host === undefined || typeof host.value !== 'string') {
    source.root.drop('it names no host')
    return
  }
  let unknown: string | undefined
  const template = host.value.replaceAll(/[{]{2}\s*[.](\w+)\s*[}]{2}/g, (_, name: string) => {
    const tag = parameters.get(name)
    if (tag === undefined) unknown = name
    if (tag === serviceTag) return '{{ .DisplayName }}'
    return tag === zoneTag ? '{{ .Zone }}' : `{{ label "${tag}" }}`
  })
  if (unknown !== undefined) {
    source.root.drop(`its template uses ${unknown}, which is no parameter`)
    return
  }
  if (template === host.value) host.keep('as template')
  else host.approximate(`as template: ${template}`)
  conf?.member('parameters')?.keep('in the template itself')
  conf?.member('port')?.approximate("a service's own ports are used")
  for (const match of legacySelectors(source, 'selectors')) {
    const labels = generatorLabels(match, source.mesh)
    if (labels !== null)
      out.add(source, {
        kind: 'HostnameGenerator',
        labels: {},
        spec: { selector: { meshService: { matchLabels: labels } }, template },
        field: match,
      })
  }
}

/** The labels of services; null where they do not say it. */
function generatorLabels(match: Field, mesh: string): Record<string, string> | null {
  const tags = tagsOf(match)
  const service = tags[serviceTag]
  const other = Object.entries(tags).find(([tag, value]) => tag !== serviceTag && value !== '*')
  if (other !== undefined) {
    match.drop(`services are selected by labels of their own, and ${other[0]} is none`)
    return null
  }
  match.keep('as labels of services')
  return { [meshLabel]: mesh, ...(service === undefined || service === '*' ? {} : { [displayNameLabel]: parseServiceName(service).name }) }
}
