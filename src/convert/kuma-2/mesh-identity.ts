import { isObject } from '../../model/is-object.ts'
import type { SecureDataSource } from '../../model/schema.ts'
import type { Field } from '../field.ts'
import { dataSource } from './data-source.ts'
import { ofMesh } from './of-mesh.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

/** Mesh.mtls: the enabled backend becomes a MeshIdentity of all Dataplanes, its mode a MeshTLS. */
export function convertMtls(source: Source, world: World, out: Output): void {
  const mtls = source.spec.member('mtls')
  const enabled = mtls?.member('enabledBackend')
  enabled?.keep('as MeshIdentity')
  mtls?.member('skipValidation')?.keep('nothing is looked up when it is applied')
  for (const backend of mtls?.member('backends')?.items() ?? []) {
    if (backend.text('name') === enabled?.value) addIdentity(source, backend, world, out)
    else backend.drop('it is not the enabled backend')
  }
}

function addIdentity(source: Source, backend: Field, world: World, out: Output): void {
  const type = backend.text('type')
  const name = backend.text('name') ?? ''
  const bundled = type === 'builtin' ? builtin(backend) : type === 'provided' ? provided(backend) : null
  backend.member('name')?.keep()
  if (bundled === null) {
    backend.drop(`there is no authority of type ${type} here: zones make their own (a MeshIdentity of type Bundled)`)
    return
  }
  backend.member('type')!.keep('as Bundled')
  const expiry = backend.at('dpCert', 'rotation', 'expiration')
  backend.at('dpCert', 'requestTimeout')?.drop('the proxy decides how long it waits')
  backend.member('rootChain')?.drop('the whole chain is part of the MeshTrust')
  const parameters =
    expiry === undefined ? {} : { certificateParameters: { expiry: withHours(String(expiry.keep('as certificateParameters.expiry'))) } }
  const giveWay = world.of(source.mesh, 'MeshIdentity').length > 0
  out.add(source, {
    kind: 'MeshIdentity',
    // Of identities for the same Dataplanes the one of the smaller name wins, and in Kuma 2 a MeshIdentity went before the Mesh.
    name: giveWay ? `zz-${name}` : name,
    spec: { selector: { dataplane: { matchLabels: {} } }, provider: { type: 'Bundled', bundled: { ...bundled, ...parameters } } },
    field: backend,
  })
  addTrust(source, backend, name, world, out)
  addMode(source, backend.member('mode'), out)
}

function builtin(backend: Field): object {
  const ca = backend.at('conf', 'caCert')
  ca?.member('rsaBits')?.approximate('each zone makes a root with a P-256 key')
  ca?.member('expiration')?.approximate('a zone decides how long its root holds, and rotates it by itself')
  const conf = backend.member('conf')
  if (conf !== undefined && conf.members().length === 0) conf.keep()
  return { meshTrustCreation: 'Enabled', autogenerate: { enabled: true } }
}

function provided(backend: Field): object | null {
  const certificate = dataSource(backend.at('conf', 'cert'))
  const privateKey = dataSource(backend.at('conf', 'key'))
  if (certificate === undefined || privateKey === undefined) return null
  for (const part of ['cert', 'key'])
    backend.at('conf', part)!.approximate('referenced as bundled.ca; as long as zones make roots of their own, those sign')
  return { meshTrustCreation: 'Enabled', ca: { certificate, privateKey } }
}

/** A provided authority vouched for identities `spiffe://<mesh>/…`: the proxies that still have one of those stay known. */
function addTrust(source: Source, backend: Field, name: string, world: World, out: Output): void {
  const pem = certificateOf(dataSource(backend.at('conf', 'cert')), source.mesh, world)
  if (pem === undefined) return
  const zones = world.zones.length === 0 ? [undefined] : world.zones
  for (const zone of zones)
    out.add(source, {
      kind: 'MeshTrust',
      name: `${name}-kuma-2`,
      spec: { trustDomain: source.mesh, caBundles: [{ type: 'Pem', pem: { value: pem } }] },
      ...(zone === undefined ? {} : { zone }),
      because: `identities of Kuma 2 were of trust domain ${source.mesh}`,
      field: backend.at('conf', 'cert')!,
    })
}

/** A certificate that is in the text, or in a Secret among the objects. */
function certificateOf(source: SecureDataSource | undefined, mesh: string, world: World): string | undefined {
  if (source?.type === 'InsecureInline') return source.insecureInline.value
  if (source?.type !== 'Secret') return undefined
  const secret = world.of(mesh, 'Secret').find(({ name }) => name === source.secretRef.name)
  const data = secret === undefined ? undefined : secretData(secret)
  const text = data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')
  return text?.includes('-----BEGIN CERTIFICATE-----') ? text : undefined
}

/** The base64 of a Secret: beside its name, or – in Kubernetes' form – under `data.value`. */
export function secretData({ root }: Source): string | undefined {
  const data = root.member('data')
  return isObject(data?.value) ? data?.text('value') : root.text('data')
}

function addMode(source: Source, mode: Field | undefined, out: Output): void {
  const permissive = mode?.value === 'PERMISSIVE' || mode?.value === 1
  mode?.keep('as MeshTLS')
  out.add(source, {
    kind: 'MeshTLS',
    name: ofMesh,
    spec: { rules: [{ default: { mode: permissive ? 'Permissive' : 'Strict' } }] },
    ...(mode === undefined ? { because: 'mtls was strict unless it said otherwise' } : { field: mode }),
  })
}

/** Kuma 2 took days: `10d`, `1d12h`. */
function withHours(text: string): string {
  return text.replaceAll(/(\d+)d/g, (_, days: string) => `${Number(days) * 24}h`)
}
