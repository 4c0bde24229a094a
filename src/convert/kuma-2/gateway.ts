import type { Field } from '../field.ts'
import { dataSource } from './data-source.ts'
import { legacySelectors } from './legacy-selectors.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import { noteService, selectByTags, serviceTag } from './tags.ts'
import { listenerName, type World } from './world.ts'

/** A MeshGateway: listeners get names, which routes select them by instead of by tags. */
export function convertGateway(source: Source, _: World, out: Output): void {
  const fields = source.spec.at('conf', 'listeners')?.items() ?? []
  source.spec.member('tags')?.keep("as names of listeners, in the routes' sectionName")
  const listeners = fields.flatMap((field, index) => readListener(field, listenerName(fields, index)))
  if (listeners.length === 0) {
    source.root.drop('none of its listeners is left: see its fields')
    return
  }
  for (const match of legacySelectors(source, 'selectors')) {
    const selected = selectByTags(match)
    if (selected.kind === 'impossible') match.drop(selected.why)
    else out.add(source, { kind: 'MeshGateway', spec: { selector: { matchLabels: selected.value }, listeners } })
  }
}

function readListener(field: Field, name: string): object[] {
  const protocol = field.text('protocol') ?? ''
  if (!['HTTP', 'HTTPS', 'TCP'].includes(protocol)) {
    field.drop(`a gateway listens to HTTP, HTTPS and TCP, not to ${protocol || 'nothing'}`)
    return []
  }
  if (field.member('crossMesh')?.value === true) {
    field.drop('a gateway is of its own mesh alone')
    return []
  }
  const tls = protocol === 'HTTPS' ? readTls(field.member('tls')) : undefined
  if (protocol === 'HTTPS' && tls === undefined) {
    field.drop('it has no certificate and key that could be referenced')
    return []
  }
  if (protocol !== 'HTTPS') field.member('tls')?.drop('only HTTPS ends TLS at the gateway')
  field.member('crossMesh')?.keep()
  field.member('tags')?.keep(`as name: ${name}`)
  field.member('resources')?.drop('connections are limited by a MeshCircuitBreaker')
  field.member('port')?.keep()
  field.member('protocol')?.keep()
  const hostname = field.member('hostname')?.keep()
  return [{ name, port: field.member('port')?.value, protocol, ...(hostname ? { hostname } : {}), ...(tls === undefined ? {} : { tls }) }]
}

/** Kuma 2 kept certificate and key in one text; both are looked for in it. */
function readTls(field: Field | undefined): object | undefined {
  const [first, ...more] = field?.member('certificates')?.items() ?? []
  if (field?.text('mode') !== 'TERMINATE' && field?.member('mode') !== undefined) return undefined
  const found = dataSource(first)
  if (found === undefined) return undefined
  field?.member('mode')?.keep('as protocol HTTPS')
  field?.member('options')?.drop('TLS has no options here')
  for (const it of more) it.drop('a listener has one certificate')
  first?.approximate('certificate and key are read from the same text: put each into its own')
  return { certificate: found, privateKey: found }
}

/** What ran a gateway's pods is the platform's own matter here. */
export function convertGatewayInstance(source: Source, _: World, __: Output): void {
  const service = source.spec.member('tags')?.member(serviceTag)
  if (service !== undefined) noteService(service, String(service.value))
  source.root.drop(
    'nothing here makes Deployments: run gateways as Dataplanes with networking.gateway.type: BUILTIN and the labels that the MeshGateway selects',
  )
}
