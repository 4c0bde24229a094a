import { isDnsName, isIpAddress } from '../model/address.ts'
import type { DiscoverySourceSpec } from '../model/kinds/discovery-source.ts'
import type { FoundWorkload, Item } from './adapter.ts'
import { labelsOf, type NativePort, portsOf, skerryTag, workloadOf } from './mapping.ts'
import { leftOutBecause } from './selection.ts'

/** A thing as its platform tells it, before the source's rules: what an adapter's translating half makes of an answer. */
export interface NativeWorkload {
  /** What `include.names` looks at. */
  readonly name: string
  readonly namespace?: string
  /** Labels or tags as the platform has them; where it has several layers, the most specific one wins. */
  readonly labels: Readonly<Record<string, string>>
  /** What the service is called where no label says it; the first that can be a name counts, and last `name`. */
  readonly services?: readonly (string | undefined)[]
  /** What becomes the label `version` where no label says it. */
  readonly version?: string
  readonly address: string | undefined
  readonly ports: readonly NativePort[]
  readonly state: FoundWorkload['state']
  /** Why it is in a state other than `ready`. */
  readonly reason?: string
  readonly locality: FoundWorkload['locality']
  readonly weight?: number
  readonly hasSidecar?: boolean
  /** Labels of kuma.io and skerry.io that the adapter itself concludes: a platform's own labels never set those. */
  readonly ownLabels?: Readonly<Record<string, string>>
  readonly lambda?: FoundWorkload['lambda']
  /** What `explain` shows: a few facts, no secrets. What is undefined is not shown. */
  readonly facts?: Readonly<Record<string, string | undefined>>
}

/** What has an identity and an age, whatever it comes to. */
export interface ItemId {
  readonly id: string
  readonly version?: number
}

/** A platform's thing under a source's rules: `include`, `exclude`, `mapping`, `defaults`. Pure; never throws. */
export function itemOf({ id, version }: ItemId, native: NativeWorkload, spec: DiscoverySourceSpec): Item {
  const { outcome, notes } = judged(native, spec)
  const facts = Object.entries({ name: native.name, namespace: native.namespace, ...native.facts }).filter(
    (fact): fact is [string, string] => fact[1] !== undefined,
  )
  return {
    id,
    ...(version === undefined ? {} : { version }),
    outcome,
    facts: { ...Object.fromEntries(facts), ...(notes.length > 0 ? { notes: notes.join('; ') } : {}) },
  }
}

/** A thing that is not taken, and why, in words for people. */
export function leftOut({ id, version }: ItemId, reason: string, facts: Readonly<Record<string, string>> = {}): Item {
  return { id, ...(version === undefined ? {} : { version }), outcome: { kind: 'left-out', reason }, facts }
}

/** What cannot be read of one thing must not cost the others: it is left out, with what was wrong as its reason. */
export function readSafely(id: ItemId, read: () => Item): Item {
  try {
    return read()
  } catch (error) {
    return leftOut(id, `it could not be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function judged(native: NativeWorkload, spec: DiscoverySourceSpec): { outcome: Item['outcome']; notes: readonly string[] } {
  const out = (reason: string, notes: readonly string[] = []) => ({ outcome: { kind: 'left-out', reason } as const, notes })
  if (skerryTag(native.labels, 'ignore') === 'true') return out('its label skerry.io/ignore is true')
  const unselected = leftOutBecause(native, spec)
  if (unselected !== null) return out(unselected)
  const workload = workloadOf(native.labels, [...(native.services ?? []), native.name], spec)
  if (workload === '') return out('nothing names its service: set label skerry.io/service, or mapping.workload to a label that does')
  const { address, hasSidecar, lambda } = native
  if (address === undefined || address === '') return out('it has no address')
  if (!isIpAddress(address) && !isDnsName(address)) return out(`its address is neither an IP address nor a host name: ${address}`)
  if (address === '0.0.0.0' || address === '::') return out(`its address ${address} is that of no machine`)
  const { ports, notes: portNotes } = portsOf(native.labels, native.ports, spec)
  if (ports.length === 0 && hasSidecar !== true)
    return out('no port is known: set label skerry.io/port, mapping.port to a label that says it, or defaults.port', portNotes)
  const { labels, notes: labelNotes } = labelsOf(native.labels, native.version, spec)
  const weight = native.weight ?? weightTag(native.labels) ?? spec.defaults?.weight
  const found: FoundWorkload = {
    workload,
    ...(native.namespace === undefined ? {} : { namespace: native.namespace }),
    address,
    ports,
    state: native.state,
    ...(native.reason === undefined ? {} : { reason: native.reason }),
    labels: { ...labels, ...native.ownLabels },
    locality: native.locality,
    ...(weight === undefined ? {} : { weight: Math.max(0, Math.min(65535, Math.round(weight))) }),
    ...(hasSidecar === undefined ? {} : { hasSidecar }),
    ...(lambda === undefined ? {} : { lambda }),
  }
  return { outcome: { kind: 'workload', workload: found }, notes: [...portNotes, ...labelNotes] }
}

function weightTag(labels: Readonly<Record<string, string>>): number | undefined {
  const text = skerryTag(labels, 'weight')
  return text !== undefined && /^[0-9]{1,5}$/.test(text) ? Number(text) : undefined
}
