import type { Field } from '../field.ts'
import { addOutbound } from './legacy-policy.ts'
import { legacySelectors, proxiesOf } from './legacy-selectors.ts'
import { intOrString, moveFields } from './move-fields.ts'
import { ofMesh } from './of-mesh.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

type Section = 'tracing' | 'logging'
const users = { tracing: 'TrafficTrace', logging: 'TrafficLog' } as const

/** Tracing and logging of a Mesh name backends; TrafficTrace and TrafficLog say who uses them. Without one of those the default backend is for
 *  the whole mesh. */
export function convertBackends(section: Section, source: Source, world: World, out: Output): void {
  const field = source.spec.member(section)
  if (field === undefined) return
  const fallback = field.member('defaultBackend')
  const using = world.of(source.mesh, users[section])
  const used = new Set(using.map(it => it.spec.text('conf', 'backend') ?? fallback?.value))
  for (const backend of field.member('backends')?.items() ?? []) {
    const name = backend.text('name')
    if (using.length > 0 ? used.has(name) : name === fallback?.value) {
      backend.member('name')?.keep('the policies have its address')
      if (using.length === 0) addOfMesh(section, backend, source, out)
      else backendConf(section, backend)
    } else backend.drop(`no ${users[section]} and no defaultBackend names it`)
  }
  fallback?.keep(using.length === 0 ? 'as the policy of the whole mesh' : `for each ${users[section]} that names none`)
  for (const leaf of [field, field.member('backends')])
    if (leaf?.members().length === 0 && leaf.items().length === 0) leaf.keep('it says nothing')
}

function addOfMesh(section: Section, backend: Field, source: Source, out: Output): void {
  const conf = backendConf(section, backend)
  if (conf === null) return
  const because = `in Kuma 2 a ${users[section]} had to say so: there is none among the objects`
  if (section === 'tracing') out.add(source, { kind: 'MeshTrace', name: ofMesh, spec: { default: conf }, field: backend, because })
  else
    out.add(source, {
      kind: 'MeshAccessLog',
      name: ofMesh,

      spec: { to: [{ targetRef: { kind: 'Mesh' }, default: conf }] },
      field: backend,
      because,
    })
}

/** A TrafficTrace or a TrafficLog, with the backend of its Mesh. */
export function convertBackendUser(source: Source, world: World, out: Output): void {
  const section: Section = source.type === 'TrafficTrace' ? 'tracing' : 'logging'
  const mesh = world.of('', 'Mesh').find(({ name }) => name === source.mesh)
  const named = source.spec.at('conf', 'backend')
  const name = named?.value ?? mesh?.spec.at(section, 'defaultBackend')?.value
  const backend = mesh?.spec
    .at(section, 'backends')
    ?.items()
    .find(it => it.text('name') === name)
  const conf = backend === undefined ? null : backendConf(section, backend)
  if (conf === null) {
    source.root.drop(
      `Mesh ${source.mesh} with its ${section} backend ${String(name ?? '(default)')} is not among the objects, or the backend is of no known type`,
    )
    return
  }
  named?.keep('its address is in the policy')
  if (source.spec.member('conf')?.members().length === 0) source.spec.member('conf')!.keep()
  if (section === 'logging') addOutbound(source, 'MeshAccessLog', conf, world, out)
  for (const match of legacySelectors(source, 'selectors')) {
    const target = proxiesOf(match)
    if (target !== null) out.add(source, { kind: 'MeshTrace', spec: { ...topOf(target), default: conf }, field: match })
  }
}

/** What a policy says of a Mesh's backend; null for one of an unknown type. */
function backendConf(section: Section, backend: Field): object | null {
  return section === 'tracing' ? traceConf(backend) : logConf(backend)
}

function traceConf(backend: Field): object | null {
  const type = backend.text('type') ?? ''
  const conf = backend.member('conf') ?? backend.member(type)
  const sampling = backend.member('sampling')
  const share = sampling === undefined ? {} : { sampling: { overall: intOrString(sampling.keep('as sampling.overall')) } }
  backend.member('type')?.keep()
  if (type === 'zipkin') {
    const moved = moveFields(conf, [
      ...['url', 'traceId128bit', 'sharedSpanContext'].map(name => ({ from: name, to: name })),
      { from: 'apiVersion', to: 'apiVersion', value: it => (it === 'httpJsonV1' ? undefined : it) },
    ])
    return { backends: [{ type: 'Zipkin', zipkin: moved }], ...share }
  }
  if (type !== 'datadog') {
    backend.drop(`there is no tracing of type ${type}`)
    return null
  }
  const [address, port] = [conf?.member('address'), conf?.member('port')]
  for (const it of [address, port]) it?.keep('as url')
  const split = conf?.member('splitService')?.keep()
  const url = `http://${String(address?.value)}:${String(port?.value)}`
  return { backends: [{ type: 'Datadog', datadog: { url, ...(split === undefined ? {} : { splitService: split }) } }], ...share }
}

function logConf(backend: Field): object | null {
  const type = backend.text('type') ?? ''
  const conf = backend.member('conf') ?? backend.member(type)
  const text = backend.member('format')
  const format = text === undefined ? {} : { format: { type: 'Plain', plain: text.keep('as format.plain') } }
  backend.member('type')?.keep()
  if (type === 'file') return { backends: [{ type: 'File', file: { path: conf?.member('path')?.keep(), ...format } }] }
  if (type === 'tcp') return { backends: [{ type: 'Tcp', tcp: { address: conf?.member('address')?.keep(), ...format } }] }
  backend.drop(`there is no logging of type ${type}`)
  return null
}
