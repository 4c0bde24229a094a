import { isObject } from '../../model/is-object.ts'
import {
  displayNameLabel,
  envLabel,
  managedByLabel,
  meshLabel,
  namespaceLabel,
  originLabel,
  policyRoleLabel,
  zoneEgressLabel,
  zoneIngressLabel,
  zoneLabel,
} from '../../model/labels.ts'
import { validateLabels } from '../../model/validate.ts'
import { Field } from '../field.ts'

/** An object of Kuma 2, out of its envelope. */
export interface Source {
  readonly type: string
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  /** In Kubernetes' form: where it was. */
  readonly namespace?: string
  readonly zone?: string
  /** Without those that a control plane computes. */
  readonly labels: Readonly<Record<string, string>>
  /** Everything. */
  readonly root: Field
  /** What its kind says, without the envelope. */
  readonly spec: Field
}

export type ReadSource =
  | { readonly kind: 'ok'; readonly source: Source }
  | { readonly kind: 'unreadable'; readonly path: readonly string[]; readonly reason: string }

const globalTypes: ReadonlySet<string> = new Set([
  'Mesh',
  'Zone',
  'ZoneIngress',
  'ZoneEgress',
  'GlobalSecret',
  'HostnameGenerator',
  'Config',
])
const envelope = [
  'type',
  'mesh',
  'name',
  'labels',
  'creationTime',
  'modificationTime',
  'kri',
  'snis',
  'status',
  'apiVersion',
  'kind',
  'metadata',
]
const madeAnew = 'a control plane makes it'

/** Reads the envelope in either form: universal (`type`, `mesh`, `name`), or Kubernetes' (`apiVersion`, `kind`, `metadata`). */
export function readSource(value: unknown, defaultMesh = 'default'): ReadSource {
  if (!isObject(value)) return unreadable([], 'an object is wanted here, with type: and name:')
  const root = Field.root(value)
  return value.apiVersion !== undefined && value.kind !== undefined ? readKubernetes(root, defaultMesh) : readUniversal(root, defaultMesh)
}

function readUniversal(root: Field, defaultMesh: string): ReadSource {
  const type = root.text('type')
  const name = root.text('name')
  if (type === undefined || type === '') return unreadable(['type'], 'type: is missing, e.g. type: TrafficPermission')
  if (name === undefined || name === '') return unreadable(['name'], 'name: is missing, or is no text')
  const given = root.member('mesh')?.value
  if (given !== undefined && typeof given !== 'string') return unreadable(['mesh'], 'a mesh is named by a text')
  const envelopeSays = { type, name, mesh: globalTypes.has(type) ? '' : (given ?? defaultMesh) }
  for (const field of ['type', 'name', 'mesh']) root.member(field)?.keep()
  return ok(root, { ...envelopeSays, labels: readLabels(root.member('labels')), zone: root.text('labels', zoneLabel) })
}

/** A Kuma resource has its spec in the universal form's words; a Secret of Kuma is a Secret of Kubernetes. */
function readKubernetes(root: Field, defaultMesh: string): ReadSource {
  const kind = root.text('kind')
  const name = root.text('metadata', 'name')
  const isSecret = kind === 'Secret' && root.text('apiVersion') === 'v1'
  if (kind === undefined) return unreadable(['kind'], 'kind: is missing')
  if (name === undefined || name === '') return unreadable(['metadata'], 'metadata.name: is missing')
  if (!isSecret && root.text('apiVersion') !== 'kuma.io/v1alpha1')
    return unreadable(['apiVersion'], `an object of ${root.text('apiVersion')} is not Kuma's: apiVersion: kuma.io/v1alpha1 is wanted`)
  const metadata = root.member('metadata')!
  const type = isSecret && root.text('type') === 'system.kuma.io/global-secret' ? 'GlobalSecret' : kind
  const mesh = globalTypes.has(type) ? '' : (root.text('mesh') ?? metadata.text('labels', meshLabel) ?? defaultMesh)
  for (const field of ['apiVersion', 'kind', 'mesh']) root.member(field)?.keep()
  if (isSecret) root.member('type')?.keep()
  metadata.member('name')!.keep()
  metadata.member('namespace')?.keep('as label, where it matters')
  for (const field of ['creationTimestamp', 'generation', 'managedFields', 'resourceVersion', 'uid', 'ownerReferences', 'finalizers'])
    metadata.member(field)?.keep(madeAnew)
  for (const [annotation, field] of metadata.member('annotations')?.members() ?? [])
    if (annotation.startsWith('kubectl.kubernetes.io/')) field.keep("kubectl's own")
    else field.drop('Skerry has no annotations')
  const namespace = metadata.text('namespace')
  const labels = readLabels(metadata.member('labels'))
  return ok(root, { type, name, mesh, labels, zone: metadata.text('labels', zoneLabel), ...(namespace === undefined ? {} : { namespace }) })
}

function ok(root: Field, { zone, ...says }: Omit<Source, 'root' | 'spec' | 'zone'> & { readonly zone: string | undefined }): ReadSource {
  for (const field of ['creationTime', 'modificationTime', 'kri', 'snis', 'status']) root.member(field)?.keep(madeAnew)
  const spec = root.member('spec') ?? root.without(envelope)
  return { kind: 'ok', source: { ...says, ...(zone === undefined ? {} : { zone }), root, spec } }
}

const computed: ReadonlySet<string> = new Set([
  displayNameLabel,
  envLabel,
  managedByLabel,
  meshLabel,
  originLabel,
  policyRoleLabel,
  zoneEgressLabel,
  zoneIngressLabel,
  zoneLabel,
])

function readLabels(field: Field | undefined): Record<string, string> {
  const labels: [string, string][] = []
  for (const [name, member] of field?.members() ?? []) {
    const value = member.value
    if (computed.has(name)) member.keep(madeAnew)
    else if (typeof value !== 'string' || validateLabels({ [name]: value }).length > 0) member.drop('it is no valid label')
    else {
      labels.push([name, value])
      member.keep()
    }
  }
  if (field !== undefined && labels.length === 0 && isObject(field.value) && Object.keys(field.value).length === 0) field.keep()
  return Object.fromEntries(labels)
}

/** The label of a namespace, for what is of one. */
export function namespaceLabels({ namespace }: Source): Record<string, string> {
  return namespace === undefined || isSystem(namespace) ? {} : { [namespaceLabel]: namespace }
}

/** Where control planes live: what is there is for the whole mesh. */
export function isSystem(namespace: string): boolean {
  return namespace === 'kuma-system' || namespace === 'kong-mesh-system'
}

function unreadable(path: readonly string[], reason: string): ReadSource {
  return { kind: 'unreadable', path, reason }
}
