import type { HttpProbe, Probe } from './probe.ts'

/** How an application is asked, wherever it listens. */
export type HealthCheck =
  | { readonly kind: 'tcp' }
  | ({ readonly kind: 'http' } & Pick<HttpProbe, 'path' | 'method' | 'codes'>)
  | { readonly kind: 'grpc'; readonly service: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  | { readonly kind: 'none' }

/** What `readHealthCheck` takes, for people. */
export const healthChecks = 'tcp, none, http:/PATH (e.g. http:/healthz), grpc, grpc:SERVICE'

/** From how it is written on a command line. null: it is none. `exec:` takes the rest, parted at spaces. */
export function readHealthCheck(text: string): HealthCheck | null {
  if (text === 'tcp' || text === 'none') return { kind: text }
  if (/^http:\/\S*$/.test(text)) return { kind: 'http', path: text.slice('http:'.length) }
  const [, service] = /^grpc(?::([A-Za-z0-9_.]+))?$/.exec(text) ?? [undefined, null]
  if (service !== null) return { kind: 'grpc', service: service ?? '' }
  const command = /^exec:(\S.*)$/.exec(text)?.[1]?.split(/\s+/)
  return command ? { kind: 'exec', command } : null
}

/** The check, of an application that listens there. */
export function probeOf(check: HealthCheck, host: string, port: number): Probe {
  return check.kind === 'none' || check.kind === 'exec' ? check : { ...check, host, port }
}
