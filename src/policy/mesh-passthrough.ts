import type { PassthroughConf } from '../model/kinds/mesh-passthrough.ts'

/** What an application may reach that the mesh does not know. */
export interface PassthroughPlan {
  readonly mode: 'All' | 'Matched' | 'None'
  /** For `Matched`; most specific first. */
  readonly matches: readonly PassthroughMatchPlan[]
}

export interface PassthroughMatchPlan {
  readonly type: 'Domain' | 'IP' | 'CIDR'
  readonly value: string
  /** null = every port. */
  readonly port: number | null
  readonly protocol: 'tcp' | 'tls' | 'grpc' | 'http' | 'http2' | 'mysql'
}

/** https://kuma.io/docs/latest/policies/meshpassthrough/ */
export function planPassthrough({ passthroughMode = 'None', appendMatch = [] }: PassthroughConf): PassthroughPlan {
  const unique = new Map<string, PassthroughMatchPlan>()
  for (const { type, value, port, protocol } of appendMatch) {
    const match = { type, value, port: port ?? null, protocol: (protocol ?? 'tcp') as PassthroughMatchPlan['protocol'] }
    unique.set(JSON.stringify(match), match)
  }
  const matches = passthroughMode === 'Matched' ? [...unique.values()].sort((a, b) => rank(b) - rank(a) || compare(a.value, b.value)) : []
  return { mode: passthroughMode as PassthroughPlan['mode'], matches }
}

/** A name before a wildcard, an address before a range, a longer one before a shorter, a port before all ports. */
function rank({ type, value, port }: PassthroughMatchPlan): number {
  const specific =
    type === 'Domain' ? (value.startsWith('*') ? value.length : 1000 + value.length) : type === 'IP' ? 1000 : prefixLength(value)
  return specific * 2 + Number(port !== null)
}

function prefixLength(cidr: string): number {
  return Number(cidr.split('/')[1] ?? 0)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
