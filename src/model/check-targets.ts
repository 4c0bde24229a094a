import type { InboundMatch } from './inbound-match.ts'
import type { Violation } from './kind.ts'
import { each, unwanted, violation } from './rules.ts'
import { parseSpiffeId } from './spiffe-id.ts'
import type { TargetRef } from './target-ref.ts'

interface Targeting {
  readonly targetRef?: TargetRef
  readonly to?: readonly { readonly targetRef: TargetRef }[]
  readonly rules?: readonly { readonly matches?: readonly InboundMatch[]; readonly default?: unknown }[]
}

interface TargetRules {
  /** Kinds that `to[].targetRef` may name, where they are fewer than the schema's. */
  readonly toKinds?: readonly string[]
}

/** Rules for the references of every policy, with paths from its spec. */
export function checkTargets({ targetRef, to, rules }: Targeting, { toKinds }: TargetRules = {}): Violation[] {
  return [
    ...(targetRef === undefined ? [] : checkTopTargetRef(targetRef, 'targetRef', (rules?.length ?? 0) > 0)),
    ...each(to, 'to', (item, at) => checkTargetRef(item.targetRef, `${at}.targetRef`, toKinds)),
    ...each(rules, 'rules', (rule, at) => each(rule.matches, `${at}.matches`, checkInboundMatch)),
  ]
}

function checkTopTargetRef(ref: TargetRef, at: string, isForInbounds: boolean): Violation[] {
  if (ref.kind === 'Dataplane' && ref.sectionName && !isForInbounds)
    return violation(`${at}.sectionName`, 'can only be used with inbound policies')
  return checkTargetRef(ref, at)
}

/** A reference by kind and labels: what goes with which kind. */
export function checkTargetRef(ref: TargetRef, at: string, kinds?: readonly string[]): Violation[] {
  if (kinds !== undefined && !kinds.includes(ref.kind))
    return violation(`${at}.kind`, `value '${ref.kind}' is not supported; use one of ${kinds.join(', ')}`)
  switch (ref.kind) {
    case 'Mesh':
      return [...absent(ref, 'labels', at), ...absent(ref, 'sectionName', at)]
    case 'MeshService':
    case 'MeshMultiZoneService':
      return labelled(ref, at)
    case 'MeshExternalService':
    case 'MeshHTTPRoute':
      return [...absent(ref, 'sectionName', at), ...labelled(ref, at)]
    default:
      return []
  }
}

function absent(ref: TargetRef, field: 'labels' | 'sectionName', at: string): Violation[] {
  const isSet = field === 'labels' ? Object.keys(ref.labels ?? {}).length > 0 : Boolean(ref.sectionName)
  return isSet ? unwanted(`${at}.${field}`, `must not be set with kind ${ref.kind}`) : []
}

function labelled(ref: TargetRef, at: string): Violation[] {
  if (Object.keys(ref.labels ?? {}).length > 0) return []
  return violation(`${at}.labels`, `must be set when kind is ${ref.kind}; kuma.io/display-name selects one by its name`)
}

/** A backendRef: a reference, and a port where the service has several zones. */
export function checkBackendRef(ref: TargetRef & { readonly port?: number }, at: string, kinds?: readonly string[]): Violation[] {
  const violations = checkTargetRef(ref, at, kinds)
  if (ref.kind !== 'MeshMultiZoneService' || ref.port !== undefined || ref.sectionName !== undefined) return violations
  return [...violations, ...violation(`${at}.port`, 'must be defined with kind MeshMultiZoneService')]
}

/** Which callers a rule is about. */
export function checkInboundMatch({ spiffeID, sni }: InboundMatch, at: string): Violation[] {
  const violations: Violation[] = []
  if (spiffeID !== undefined) {
    // A prefix may end in a slash, where the next segment would begin.
    const parsed = parseSpiffeId(spiffeID.type === 'Prefix' ? spiffeID.value.replace(/[/]$/, '') : spiffeID.value)
    if (parsed.kind === 'invalid') violations.push({ field: `${at}.spiffeID`, reason: `must be a valid Spiffe ID: ${parsed.reason}` })
  }
  if (sni !== undefined && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(sni.value))
    violations.push({ field: `${at}.sni.value`, reason: 'must be a host name in lower case' })
  return violations
}
