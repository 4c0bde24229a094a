import { namespaceLabel, zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import type { Resource } from '../model/resource.ts'

export type EvaluatedHostname = { readonly kind: 'name'; readonly hostname: string } | { readonly kind: 'failed'; readonly reason: string }

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const MAX_LENGTH = 253

/**
 * A HostnameGenerator's template for a service: text with `{{ .Name }}`, `{{ .DisplayName }}`, `{{ .Namespace }}`, `{{ .Mesh }}`, `{{ .Zone }}`
 * and `{{ label "key" }}`, which is what Kuma's own templates use of Go's language. The outcome must be a DNS name.
 * https://pkg.go.dev/text/template
 */
export function evaluateHostnameTemplate(template: string, service: Omit<Resource, 'status'>, localZone: string): EvaluatedHostname {
  const fields: Readonly<Record<string, string>> = {
    Name: service.name,
    DisplayName: displayNameOf(service),
    Namespace: service.labels[namespaceLabel] ?? '',
    Mesh: service.mesh,
    Zone: service.labels[zoneLabel] ?? localZone,
  }
  let hostname = ''
  for (const part of partsOf(template)) {
    if (part.kind === 'failed') return part
    if (part.kind === 'text') {
      hostname += part.text
      continue
    }
    const value = part.kind === 'field' ? fields[part.name] : service.labels[part.key]
    if (value === undefined) {
      const reason = part.kind === 'field' ? `the template asks for .${part.name}, which there is not` : `label ${part.key} not found`
      return { kind: 'failed', reason }
    }
    hostname += value
  }
  if (hostname.length <= MAX_LENGTH && subdomain.test(hostname)) return { kind: 'name', hostname }
  return { kind: 'failed', reason: `${JSON.stringify(hostname)} is not a DNS name` }
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'label'; readonly key: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** `{{-` and `-}}` eat the white space beside them. */
function* partsOf(template: string): Generator<Part> {
  let rest = template
  for (;;) {
    const open = rest.indexOf('{{')
    if (open === -1) return yield { kind: 'text', text: rest }
    const close = rest.indexOf('}}', open)
    if (close === -1) return yield { kind: 'failed', reason: `couldn't parse template: "{{" is not closed` }
    const [before, inside, after] = [rest.slice(0, open), rest.slice(open + 2, close), rest.slice(close + 2)]
    const trimsBefore = /^-\s/.test(inside)
    const trimsAfter = /\s-$/.test(inside)
    yield { kind: 'text', text: trimsBefore ? before.trimEnd() : before }
    yield actionOf(inside.replace(/^-\s/, '').replace(/\s-$/, '').trim())
    rest = trimsAfter ? after.trimStart() : after
  }
}

function actionOf(action: string): Part {
  const field = /^\.([A-Za-z]+)$/.exec(action)?.[1]
  if (field !== undefined) return { kind: 'field', name: field }
  const key = /^label\s+(?:"([^"\\]+)"|`([^`]+)`)$/.exec(action)
  if (key) return { kind: 'label', key: key[1] ?? key[2]! }
  return { kind: 'failed', reason: `couldn't parse template: {{ ${action} }} is neither a field such as .DisplayName nor label "key"` }
}
