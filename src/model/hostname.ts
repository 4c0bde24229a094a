/** What a host name asks for. `name` is a display name. */
export type HostReference = { readonly name: string; readonly port: number | undefined } & (
  | { readonly scope: 'nearest' }
  | { readonly scope: 'all-zones' }
  | { readonly scope: 'zone'; readonly zone: string }
)

/** A service as host names tell it from others. */
export interface NamedByHost {
  /** '' = of all zones. */
  readonly zone: string
  /** Unique among services of its kind and mesh. */
  readonly storedName: string
}

/** A host name in lower case and without a trailing dot, and the port behind it. null = more than a name and a port. */
export function splitHost(host: string): { readonly hostname: string; readonly port: number | undefined } | null {
  const match = /^([^:]*?)[.]?(?::([0-9]*))?$/.exec(host.toLowerCase())
  return match && { hostname: match[1]!, port: match[2] ? Number(match[2]) : undefined }
}

/**
 * The names that services have without a HostnameGenerator. `X.mesh`: the nearest service X (`compareNearness`). `X.mzsvc.mesh.local`: the
 * one of all zones. `X.svc.mesh.local`: this zone's. `X.svc.ZONE.mesh.local`: that zone's. null = not one of them.
 */
export function readHost(host: string, localZone: string): HostReference | null {
  const { hostname = '', port } = splitHost(host) ?? {}
  const match = /^([^.]+)[.](?:(mesh)|(mzsvc)[.]mesh[.]local|svc[.](?:([^.]+)[.])?mesh[.]local)$/.exec(hostname)
  if (match === null) return null
  const [, name = '', short, multiZone, zone] = match
  const named = { name, port }
  if (short !== undefined) return { ...named, scope: 'nearest' }
  return multiZone === undefined ? { ...named, scope: 'zone', zone: zone ?? localZone } : { ...named, scope: 'all-zones' }
}

/** The service that a reference means, of those that have its name. */
export function pickByHost<S>(
  reference: HostReference,
  candidates: Iterable<S>,
  describe: (service: S) => NamedByHost,
  localZone: string,
): S | undefined {
  const meant = [...candidates].filter(service => isMeant(reference, describe(service).zone))
  meant.sort((a, b) => compareNearness(describe(a), describe(b), localZone))
  return meant[0]
}

function isMeant(reference: HostReference, zone: string): boolean {
  switch (reference.scope) {
    case 'nearest':
      return true
    case 'all-zones':
      return zone === ''
    case 'zone':
      return zone === reference.zone
  }
}

/** What callers of a zone mean first when they name no zone: the service of all zones, then their own zone's, then that of the zone whose
 *  name is first. A total order. */
export function compareNearness(a: NamedByHost, b: NamedByHost, localZone: string): number {
  const rank = ({ zone }: NamedByHost) => (zone === '' ? 0 : zone === localZone ? 1 : 2)
  return rank(a) - rank(b) || compareTexts(a.zone, b.zone) || compareTexts(a.storedName, b.storedName)
}

/** The host name that means exactly one service. `zone` '' = of all zones. */
export function specificHost(name: string, zone: string, localZone: string): string {
  if (zone === '') return `${name}.mzsvc.mesh.local`
  return zone === localZone ? `${name}.svc.mesh.local` : `${name}.svc.${zone}.mesh.local`
}

/** The short name of whichever service is nearest. */
export function shortHost(name: string): string {
  return `${name}.mesh`
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
