import type { Resource } from '../model/resource.ts'
import { MeshView, type ViewChange } from './view.ts'

/** Builders with sane defaults for tests of the policy engine: mesh `default`, seen from zone `azure-1` unless said otherwise. */
export function aResource<R extends Resource>(kind: string, name: string, spec: R['spec'], labels: Record<string, string> = {}): R {
  return {
    kind,
    mesh: 'default',
    name,
    labels: { 'kuma.io/display-name': name, 'kuma.io/mesh': 'default', ...labels },
    spec,
    creationTime: '2026-01-01T00:00:00Z',
    modificationTime: '2026-01-01T00:00:00Z',
    revision: 1,
  } as Resource as R
}

/** Unless a TrustAcknowledgement of the view's own zone is among them, its proxies have acknowledged the bundle of every zone that has one. */
export function aView(zone: string, ...resources: Resource[]): MeshView {
  const acknowledging = resources.filter(resource => resource.kind === 'TrustAcknowledgement').map(resource => resource.name)
  const own = acknowledging.includes(zone) ? [] : [anAcknowledgement(zone, [zone, ...acknowledging])]
  return MeshView.empty('default', zone).with(
    [...resources, ...own].map<ViewChange>(resource => ({ kind: 'put', resource })),
    1,
  )
}

/** An instance of a workload in the view's own zone. */
export function anInstance(
  name: string,
  workload: string,
  extra: { port?: number; outbound?: unknown[]; httpProxy?: number; labels?: Record<string, string> } = {},
): Resource {
  const { port = 8080, outbound = [], httpProxy, labels = {} } = extra
  const networking = {
    address: '10.0.0.1',
    inbound: [{ name: 'http', port, servicePort: 80, protocol: 'http' }],
    outbound,
    ...(httpProxy ? { httpProxy: { port: httpProxy } } : {}),
  }
  return aResource('Dataplane', name, { networking } as never, { 'kuma.io/workload': workload, ...labels })
}

/** A MeshService over the instances of a workload. Of another zone it comes under a hashed name, as sync stores it. */
export function aService(
  name: string,
  zone: string,
  extra: { state?: 'Available' | 'Unavailable'; storedName?: string; protocol?: string } = {},
): Resource {
  const spec = {
    state: extra.state ?? 'Available',
    selector: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': name } } },
    ports: [{ name: 'http', port: 80, targetPort: 'http', appProtocol: extra.protocol ?? 'http' }],
    identities: [{ type: 'SpiffeID', value: `spiffe://default.${zone}.mesh.local/workload/${name}` }],
  }
  return aResource('MeshService', extra.storedName ?? name, spec as never, {
    'kuma.io/display-name': name,
    'kuma.io/zone': zone,
    'kuma.io/origin': 'zone',
  })
}

export function aMultiZoneService(name: string): Resource {
  return aResource(
    'MeshMultiZoneService',
    name,
    {
      selector: { meshService: { matchLabels: { 'kuma.io/display-name': name } } },
      ports: [{ name: 'http', port: 80, appProtocol: 'http' }],
    } as never,
    {
      'kuma.io/origin': 'global',
    },
  )
}

/** Everything that makes another zone reachable: its gateway's address, its bundle, and that both zones' proxies have acknowledged each
 *  other's (the view's zone is `own`). */
export function aRemoteZone(zone: string, port = 10001, own = 'azure-1'): Resource[] {
  const labels = { 'kuma.io/zone': zone, 'kuma.io/origin': 'zone' }
  return [
    aResource('MeshZoneAddress', `gateway-${zone}`, { address: '127.0.0.1', port } as never, labels),
    aResource(
      'MeshTrust',
      `trust-${zone}`,
      { trustDomain: `default.${zone}.mesh.local`, caBundles: [{ type: 'Pem', pem: { value: `PEM ${zone}` } }] } as never,
      labels,
    ),
    anAcknowledgement(zone, [own, zone]),
  ]
}

/** The proxies of a zone have acknowledged the bundles of these zones, each with one root (`rootOf`). */
export function anAcknowledgement(zone: string, trusted: readonly string[]): Resource {
  const roots = (of: string) => ({ trustDomain: `default.${of}.mesh.local`, roots: [rootOf(of)] })
  return aResource('TrustAcknowledgement', zone, { trusts: trusted.map(roots), signedBy: [roots(zone)] } as never, {
    'kuma.io/zone': zone,
    'kuma.io/origin': 'zone',
  })
}

/** A stand-in for the fingerprint of a zone's root. */
export function rootOf(zone: string): string {
  return Buffer.from(zone).toString('hex').padEnd(64, '0')
}

export function anIdentity(): Resource {
  return aResource('MeshIdentity', 'identity', { selector: { dataplane: { matchLabels: {} } }, provider: { type: 'Bundled' } } as never, {
    'kuma.io/origin': 'global',
  })
}
