import { namespaceLabel, workloadLabel, zoneLabel } from '../../model/labels.ts'
import { validateLabels } from '../../model/validate.ts'
import type { Field } from '../field.ts'
import { parseServiceName } from './service-name.ts'
import { impossible, type Targeted, targeted } from './targeted.ts'

export const serviceTag = 'kuma.io/service'
export const protocolTag = 'kuma.io/protocol'
export const zoneTag = zoneLabel

/** Labels that select the same proxies. */
export type Selected = Targeted<Readonly<Record<string, string>>>

/** The texts among tags. */
export function tagsOf(field: Field | undefined): Readonly<Record<string, string>> {
  const tags = (field?.members() ?? []).flatMap(([tag, { value }]) => (isTagValue(value) ? [[tag, String(value)] as const] : []))
  return Object.fromEntries(tags)
}

/** Numbers and booleans too: YAML makes them of `version: 1`. */
function isTagValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * The labels that the proxies with such tags have: every tag becomes a label of its name, but for `kuma.io/service`, which becomes
 * `kuma.io/workload` (and the namespace's label, of a service of Kubernetes), and `kuma.io/protocol`, which is no label of a proxy. A service `*` is any; another tag's `*` ("has it") no label
 * says, and leaving it out would select more than was meant.
 */
export function selectByTags(field: Field | undefined, { isOfHttp = false } = {}): Selected {
  const labels: Record<string, string> = {}
  for (const [tag, member] of field?.members() ?? []) {
    if (!isTagValue(member.value)) return impossible(`tag ${tag} is no text`)
    const value = String(member.value)
    if (tag === serviceTag && value === '*') member.keep('any service: no label is asked for')
    else if (tag === protocolTag && isOfHttp) member.keep('what it says is for HTTP alone')
    else if (tag === protocolTag) return impossible(`inbounds are not selected by their protocol: name them in sectionName`)
    else if (value === '*') return impossible(`"${tag}: *" asks for any value, which labels cannot: give the proxies a label of your own`)
    else if (tag === serviceTag) {
      Object.assign(labels, serviceLabels(value))
      noteService(member, value)
    } else {
      if (validateLabels({ [tag]: value }).length > 0) return impossible(`tag ${tag} cannot be a label: ${value}`)
      labels[tag] = value
      member.keep('as label')
    }
  }
  if (field !== undefined && field.members().length === 0) field.keep()
  return targeted(labels)
}

/** The labels that select the proxies of a service. */
export function serviceLabels(tag: string): Record<string, string> {
  const { name, namespace } = parseServiceName(tag)
  return { [workloadLabel]: name, ...(namespace === undefined ? {} : { [namespaceLabel]: namespace }) }
}

/** Says what becomes of a field that names a service. */
export function noteService(field: Field, tag: string): void {
  const { name, namespace } = parseServiceName(tag)
  if (name === tag) field.keep('as kuma.io/workload')
  else if (namespace !== undefined) field.approximate(`as workload ${name} of namespace ${namespace}`)
  else field.approximate(`as workload ${name}: a workload's name is a DNS label`)
}

/** The namespace that a reference names, as the label it is selected by. */
export function readNamespace(field: Field): Record<string, string> {
  const namespace = field.text('namespace')
  if (namespace === undefined) return {}
  field.member('namespace')!.keep(`as label ${namespaceLabel}`)
  return { [namespaceLabel]: namespace }
}
