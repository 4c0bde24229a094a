import type { Field } from '../field.ts'
import { moveFields } from './move-fields.ts'
import { ofMesh } from './of-mesh.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'

/** Metrics of a Mesh: the enabled backend is for every proxy of it. */
export function convertMetrics(source: Source, out: Output): void {
  const field = source.spec.member('metrics')
  const enabled = field?.member('enabledBackend')
  enabled?.keep('as the MeshMetric of the whole mesh')
  for (const backend of field?.member('backends')?.items() ?? []) {
    if (backend.text('name') !== enabled?.value) {
      backend.drop('it is not the enabled backend')
      continue
    }
    backend.member('name')?.keep('the policy has what it says')
    const conf = prometheusConf(backend)
    if (conf !== null) out.add(source, { kind: 'MeshMetric', name: ofMesh, spec: { default: conf }, field: backend })
  }
}

/** `{type: prometheus, conf}`; null for another type. */
export function prometheusConf(backend: Field): object | null {
  if (backend.text('type') !== 'prometheus') {
    backend.drop(`there are no metrics of type ${backend.text('type')}`)
    return null
  }
  backend.member('type')!.keep()
  const conf = backend.member('conf')
  const prometheus = moveFields(conf, [
    { from: 'port', to: 'port' },
    { from: 'path', to: 'path' },
    { from: 'tls.mode', to: 'tls.mode', value: tlsMode },
    {
      from: 'skipMTLS',
      to: 'tls.mode',
      value: it => (it === true ? 'Disabled' : 'ActiveMTLSBackend'),
    },
  ])
  conf?.member('tags')?.drop('metrics are of a workload: they are shown under its own labels')
  const regex = conf?.at('envoy', 'filterRegex')
  const unused = conf?.at('envoy', 'usedOnly')
  const sidecar = {
    ...(regex === undefined || regex.value === ''
      ? {}
      : {
          profiles: {
            appendProfiles: [{ name: 'None' }],
            include: [{ type: 'Regex', match: regex.keep('as the only metrics that are included') }],
          },
        }),
    ...(unused === undefined ? {} : { includeUnused: unused.keep('as includeUnused') !== true }),
  }
  if (regex?.value === '') regex.keep('it says nothing')
  const applications = (conf?.member('aggregate')?.items() ?? []).flatMap(readApplication)
  if (conf !== undefined && conf.members().length === 0) conf.keep()
  return {
    ...(Object.keys(sidecar).length > 0 ? { sidecar } : {}),
    ...(applications.length > 0 ? { applications } : {}),
    backends: [{ type: 'Prometheus', ...(Object.keys(prometheus).length > 0 ? { prometheus } : {}) }],
  }
}

function readApplication(item: Field): object[] {
  if (item.member('enabled')?.value === false) {
    item.drop('it is not enabled')
    return []
  }
  item.member('enabled')?.keep()
  return [
    moveFields(
      item,
      ['name', 'path', 'port', 'address'].map(name => ({ from: name, to: name })),
    ),
  ]
}

function tlsMode(value: unknown): unknown {
  return { disabled: 'Disabled', providedtls: 'ProvidedTLS', activemtlsbackend: 'ActiveMTLSBackend' }[String(value).toLowerCase()]
}
