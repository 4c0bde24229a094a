import type { DiscoverySourceSpec } from '../model/kinds/discovery-source.ts'
import type { FoundPort } from './adapter.ts'
import { dnsLabelOf } from './dns-label.ts'
import { fitsPattern } from './selection.ts'
import { isFreeLabel, validLabelName, validLabelValue } from './valid-label.ts'

type Labels = Readonly<Record<string, string>>
type Rules = Pick<DiscoverySourceSpec, 'mapping' | 'defaults'>

/**
 * Which tag says what, where `mapping` names no other: `skerry.io/service`. Azure has no `/` in a tag's name and GCP no `.`: `skerry-service`
 * says the same.
 */
export type SkerryTag = 'service' | 'version' | 'protocol' | 'port' | 'ports' | 'ignore' | 'weight'

/** What a thing's labels say under one of our own names; undefined: nothing. */
export function skerryTag(labels: Labels, tag: SkerryTag): string | undefined {
  return labels[`skerry.io/${tag}`] ?? labels[`skerry-${tag}`]
}

/** The value of the first of these labels that is there and not empty. */
export function firstLabel(labels: Labels, names: readonly string[] | undefined): string | undefined {
  return names?.map(name => (Object.hasOwn(labels, name) ? labels[name] : undefined)).find(value => value !== undefined && value !== '')
}

/** The service that a thing is an instance of, as a DNS label: by its labels, else the first of `otherwise` that can be one. '' = nothing names it. */
export function workloadOf(labels: Labels, otherwise: readonly (string | undefined)[], { mapping }: Rules): string {
  for (const name of [firstLabel(labels, mapping?.workload), skerryTag(labels, 'service'), ...otherwise]) {
    const label = dnsLabelOf(name ?? '')
    if (label !== '') return label
  }
  return ''
}

/** The labels of the resource that a thing becomes: the source's defaults, then what is copied, then what is taken over by name, then the version. */
export function labelsOf(labels: Labels, version: string | undefined, { mapping, defaults }: Rules): Mapped {
  const mapped: Record<string, string> = {}
  const notes: string[] = []
  const set = (from: string, to: string | null, value: string) => {
    if (to === null || !isFreeLabel(to))
      notes.push(`label ${from} is not taken over: labels of kuma.io and skerry.io are the control plane's own`)
    else mapped[to] = validLabelValue(value)
  }
  for (const [label, value] of Object.entries(defaults?.labels ?? {})) set(label, validLabelName(label), value)
  for (const [label, value] of Object.entries(labels))
    if (mapping?.copyLabels?.some(pattern => fitsPattern(label, pattern))) set(label, validLabelName(label), value)
  for (const { from, to } of mapping?.labels ?? []) if (Object.hasOwn(labels, from)) set(from, validLabelName(to), labels[from]!)
  const said = firstLabel(labels, mapping?.version) ?? skerryTag(labels, 'version') ?? version
  if (said !== undefined && said !== '') mapped.version ??= validLabelValue(said)
  return { labels: mapped, notes }
}

export interface Mapped {
  readonly labels: Readonly<Record<string, string>>
  /** What was not taken over, and why. */
  readonly notes: readonly string[]
}

/** A port as a platform names it. */
export interface NativePort {
  readonly port: number
  /** Absent = its number. */
  readonly name?: string | undefined
  /** As the platform spells it: `http`, `HTTP2`, `kubernetes.io/h2c`, `GRPC`. */
  readonly protocol?: string | undefined
}

export interface MappedPorts {
  readonly ports: readonly FoundPort[]
  /** What was let fall, and why. */
  readonly notes: readonly string[]
}

/**
 * The ports by which a workload is reached: those that its label `skerry.io/ports` lists (`http:8080:http2+admin:9000`), else the one that a label
 * names, else the platform's, else the source's default. A name and a number counts once.
 */
export function portsOf(labels: Labels, native: readonly NativePort[], rules: Rules): MappedPorts {
  const { mapping, defaults } = rules
  const protocol = firstLabel(labels, mapping?.protocol) ?? skerryTag(labels, 'protocol')
  const list = skerryTag(labels, 'ports')
  const single = firstLabel(labels, mapping?.port) ?? skerryTag(labels, 'port')
  const stated = list !== undefined ? readPorts(list) : single !== undefined ? readPorts(single) : null
  const candidates = stated ?? (native.length > 0 ? native : defaults?.port === undefined ? [] : [{ port: defaults.port }])
  const ports: FoundPort[] = []
  const notes: string[] = []
  for (const candidate of candidates) {
    const { port } = candidate
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      notes.push(`a port that is none is left out: ${candidate.name ?? String(port)}`)
      continue
    }
    const own = native.find(it => it.port === port)
    const name = portNameOf(candidate.name ?? own?.name, port)
    if (ports.some(it => it.port === port || it.name === name)) {
      notes.push(`port ${name} (${port}) is left out: an earlier one has its name or its number`)
      continue
    }
    const spoken = candidate.protocol ?? own?.protocol
    ports.push({
      name,
      port,
      protocol: protocolOf(stated !== null && candidate.protocol !== undefined ? spoken : (protocol ?? spoken), rules),
    })
  }
  return { ports, notes }
}

/** Our word for an application protocol as platforms spell them; what we cannot look into is `tcp`. */
export function protocolOf(spoken: string | undefined, { defaults }: Rules): FoundPort['protocol'] {
  const word = (spoken ?? defaults?.protocol ?? 'tcp').toLowerCase()
  switch (word.slice(word.lastIndexOf('/') + 1)) {
    case 'http':
    case 'http1':
    case 'http1.1':
    case 'ws':
      return 'http'
    case 'http2':
    case 'h2c':
      return 'http2'
    case 'grpc':
      return 'grpc'
    default:
      return 'tcp'
  }
}

/** `http:8080:http2+admin:9000+9001`; commas and spaces part as well, where a platform allows them in tags. What is no number is NaN. */
function readPorts(text: string): NativePort[] {
  return text
    .split(/[+,\s]+/)
    .filter(part => part !== '')
    .map(part => {
      const [first = '', second, third] = part.split(':')
      if (second === undefined) return { port: Number(first), ...(isNumber(first) ? {} : { name: first }) }
      if (isNumber(first)) return { port: Number(first), protocol: second }
      return { name: first, port: Number(second), ...(third === undefined ? {} : { protocol: third }) }
    })
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text)
}

/** A port's name is a DNS label, which may begin with a digit. */
function portNameOf(name: string | undefined, port: number): string {
  return name === undefined || isNumber(name) ? (name ?? String(port)) : dnsLabelOf(name) || String(port)
}
