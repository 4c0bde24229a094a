import type { Dataplane, DataplaneSpec } from '../model/kinds/dataplane.ts'
import type { HostnameGenerator, HostnameGeneratorSpec } from '../model/kinds/hostname-generator.ts'
import type { MeshExternalService } from '../model/kinds/mesh-external-service.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService, MeshServiceSpec } from '../model/kinds/mesh-service.ts'
import type { Resource, ResourceDraft } from '../model/resource.ts'
import { type DataplaneFacts, unknownDataplane } from './facts.ts'

const times = { creationTime: '2026-01-01T00:00:00.000Z', modificationTime: '2026-01-01T00:00:00.000Z', revision: 1 }

/** Builders for tests of this folder: what a test does not say is ordinary. */
export function aDataplane(
  name: string,
  {
    labels = { 'kuma.io/workload': 'web' },
    creationTime = times.creationTime,
    ...networking
  }: Partial<DataplaneSpec['networking']> & Partial<Pick<Resource, 'labels' | 'creationTime'>> = {},
): Dataplane {
  const spec = { networking: { address: '10.0.0.1', ...networking } }
  return { kind: 'Dataplane', mesh: 'default', name, labels, spec, ...times, creationTime }
}

export function aService(
  name: string,
  { zone, labels = {}, ...spec }: Partial<MeshServiceSpec> & { zone?: string; labels?: Record<string, string> } = {},
): MeshService {
  const zoneLabels: Record<string, string> = zone === undefined ? {} : { 'kuma.io/zone': zone }
  return { kind: 'MeshService', mesh: 'default', name, labels: { 'kuma.io/display-name': name, ...zoneLabels, ...labels }, spec, ...times }
}

export function aMultiZoneService(
  name: string,
  matchLabels: Record<string, string> = { 'kuma.io/display-name': name },
): MeshMultiZoneService {
  const spec = { selector: { meshService: { matchLabels } }, ports: [{ port: 80 }] }
  return { kind: 'MeshMultiZoneService', mesh: 'default', name, labels: { 'kuma.io/display-name': name }, spec, ...times }
}

export function anExternalService(name: string, { labels = {} }: { labels?: Record<string, string> } = {}): MeshExternalService {
  const spec = { match: { port: 80 }, endpoints: [{ address: '192.0.2.1', port: 80 }] }
  return { kind: 'MeshExternalService', mesh: 'default', name, labels: { 'kuma.io/display-name': name, ...labels }, spec, ...times }
}

export function aGenerator(
  name: string,
  template: string,
  { selector = { meshService: {} }, ...over }: Partial<HostnameGenerator> & Pick<HostnameGeneratorSpec, 'selector'> = {},
): HostnameGenerator {
  const labels = { 'kuma.io/origin': 'global' }
  return { kind: 'HostnameGenerator', mesh: '', name, labels, spec: { selector, template }, ...times, ...over }
}

export function written<S, T>(draft: ResourceDraft<S, T>): Resource<S, T> {
  return { ...draft, ...times }
}

/** Of a proxy with which all is well, in front of one inbound `main`. */
export function goodFacts(facts: Partial<DataplaneFacts> = {}): DataplaneFacts {
  return {
    ...unknownDataplane,
    connections: [{ id: 'c1', controlPlaneId: 'cp-1', connectedAtMs: 1000, disconnectedAtMs: null }],
    instanceId: 'i1',
    version: '0.1.0',
    engine: 'skerry',
    certificate: { issuedAtMs: 1000, notAfterMs: 86_401_000, issuer: 'kri_mid_default_east__default_', root: 'a'.repeat(64), issued: 1 },
    acknowledged: 5,
    trusts: true,
    bound: new Set(['self_inbound_dp_main']),
    applications: new Map([['main', { ready: true, reason: '' }]]),
    ...facts,
  }
}
