import { checkSchema, joinPath } from './check-schema.ts'
import { completeSpec } from './complete.ts'
import type { KindDefinition, Violation } from './kind.ts'
import { displayNameLabel, workloadLabel } from './labels.ts'

const rfc1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const rfc1123 = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const meshName = /^[0-9a-z-_.]*$/

// Kuma's words, to the letter: users and its test data know them.
const rfc1035Reason =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const rfc1123Reason =
  "invalid characters. A lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const meshReason = "invalid characters. Valid characters are numbers, lowercase latin letters and '-', '_', '.' symbols."

/** Is this a name that a user may give to a resource of this kind? (Synced resources are stored under longer ones.) */
export function validateName(kind: Pick<KindDefinition, 'naming'>, name: string): Violation[] {
  if (name === '') return [{ field: 'name', reason: 'cannot be empty' }]
  return kind.naming === 'rfc1035' ? dnsLabelProblems('name', name) : subdomainProblems('name', name)
}

export function validateMesh(kind: Pick<KindDefinition, 'kind' | 'scope'>, mesh: string): Violation[] {
  if (kind.scope === 'global') return mesh === '' ? [] : [{ field: 'mesh', reason: `must not be set: a ${kind.kind} belongs to no mesh` }]
  if (mesh === '') return [{ field: 'mesh', reason: 'cannot be empty' }]
  if (mesh.length > 253) return [{ field: 'mesh', reason: 'value length must less or equal 253' }]
  return meshName.test(mesh) ? [] : [{ field: 'mesh', reason: meshReason }]
}

/** Names are Kubernetes' qualified names, values its label values, so that what is written here can be applied there.
 *  https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
export function validateLabels(labels: Readonly<Record<string, string>>): Violation[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    const field = `labels[${JSON.stringify(label)}]`
    return [...labelNameProblems(field, label), ...labelValueProblems(field, label, value)]
  })
}

function labelNameProblems(field: string, label: string): Violation[] {
  const slash = label.lastIndexOf('/')
  const violations: Violation[] = []
  if (slash >= 0) violations.push(...subdomainProblems(field, label.slice(0, slash)))
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(label.slice(slash + 1))) {
    violations.push({
      field,
      reason:
        "a label's name must consist of at most 63 alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character; a DNS subdomain and '/' may stand before it",
    })
  }
  return violations
}

function labelValueProblems(field: string, label: string, value: string): Violation[] {
  if (label === workloadLabel) return dnsLabelProblems(field, value)
  if (label === displayNameLabel) return subdomainProblems(field, value)
  if (value.length > 63) return [{ field, reason: 'must be no more than 63 characters' }]
  if (value === '' || /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(value)) return []
  return [
    {
      field,
      reason:
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    },
  ]
}

function dnsLabelProblems(field: string, value: string): Violation[] {
  const violations: Violation[] = []
  if (value.length > 63) violations.push({ field, reason: 'must be no more than 63 characters' })
  if (!rfc1035.test(value)) violations.push({ field, reason: rfc1035Reason })
  return violations
}

function subdomainProblems(field: string, value: string): Violation[] {
  if (value.length > 253) return [{ field, reason: 'value length must less or equal 253' }]
  return rfc1123.test(value) ? [] : [{ field, reason: rfc1123Reason }]
}

/** Where a kind's spec stands in its wire shape: `spec`, or beside the envelope. */
export function specPath(kind: Pick<KindDefinition, 'shape'>): '' | 'spec' {
  return kind.shape === 'flat' ? '' : 'spec'
}

/** A spec against its kind's schema and, where a user wrote it (unknown fields are refused), completed (`completeSpec`) and against its further rules. Both are heard, so that all
 *  reasons come at once; of what the schema has already refused the further rules see a stand-in, and what they say of it is not passed
 *  on. Paths are those of the wire shape. */
export function checkSpec(
  kind: KindDefinition,
  spec: unknown,
  unknownFields: 'refuse' | 'drop' = 'refuse',
  labels: Readonly<Record<string, string>> = {},
): { readonly spec: unknown; readonly violations: readonly Violation[] } {
  const at = specPath(kind)
  const { value: read, hasShape, violations } = checkSchema(kind.spec, spec, at, unknownFields)
  if (unknownFields === 'drop') return { spec: read, violations }
  const value = hasShape ? completeSpec(kind, read) : read
  const further = hasShape ? (kind.check?.(value, labels) ?? []).map(it => ({ ...it, field: joinPath(at, it.field) })) : []
  const heard = violations.filter(({ field }) => !further.some(it => it.unwanted && isWithin(field, it.field)))
  const added = further.filter(({ field }) => !heard.some(it => isWithin(field, it.field)))
  return { spec: value, violations: [...heard, ...added].map(({ field, reason }) => ({ field, reason })) }
}

/** May a spec be changed so? Paths are those of the wire shape. */
export function checkChange(kind: KindDefinition, before: unknown, after: unknown): readonly Violation[] {
  const violations = kind.checkChange?.(before, after) ?? []
  return violations.map(({ field, reason }) => ({ field: joinPath(specPath(kind), field), reason }))
}

/** Is `field` the same as `outer`, or a part of it? */
function isWithin(field: string, outer: string): boolean {
  return field === outer || field.startsWith(`${outer}.`) || field.startsWith(`${outer}[`)
}
