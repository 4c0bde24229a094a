import Type, { type Static } from 'typebox'
import { choice, count, flag, maybeText, maybeTime, pageOf, shape, text, time } from './common.ts'

export const proxyStates = ['SYNCED', 'STALE', 'NACKED', 'OFFLINE', 'UNKNOWN'] as const
export type ProxyState = (typeof proxyStates)[number]
export const proxyRoles = ['sidecar', 'gateway', 'zone-gateway'] as const
export const certificateStates = ['valid', 'due', 'expired'] as const

export const certificate = shape(
  {
    notAfter: time('when it ends'),
    issuedAt: maybeTime('when it was signed; null = by an earlier process of the zone'),
    issuer: maybeText('MeshIdentity'),
    renewals: count('how many it got, this one included'),
    dueAt: time('when it should have been renewed at the latest'),
  },
  { description: 'the certificate that the proxy holds' },
)

export const proxy = shape(
  {
    mesh: text('mesh'),
    name: text('name, as people gave it'),
    storedName: text('name in this control plane’s registry and in this API’s paths'),
    kri: text('resource identifier of the Dataplane'),
    zone: text('zone'),
    workload: maybeText('workload'),
    role: choice(proxyRoles, 'what it does'),
    state: choice(
      proxyStates,
      'SYNCED = runs the newest configuration; STALE = has not accepted what was sent; NACKED = refused it, and goes on with what it had; OFFLINE = not connected to its zone; UNKNOWN = nobody tells',
    ),
    since: time('since when it is in this state, as far as this control plane knows'),
    reason: maybeText('why it is not SYNCED, or not ready'),
    connected: flag('connected to its zone, as the zone told last'),
    ready: flag('requests may be sent there'),
    refused: Type.Array(shape({ type: text('xDS type, e.g. `lds`'), at: maybeTime('when'), reason: text('the proxy’s own words') }), {
      description: 'configuration that it refused and has not accepted since',
    }),
    notReady: Type.Array(shape({ inbound: text('inbound or listener'), reason: text('why') }), {
      description: 'inbounds that get no requests; those that are Ignored are left out',
    }),
    certificate: Type.Unsafe<Static<typeof certificate> | null>({
      anyOf: [certificate, { type: 'null' }],
      description: 'null = it holds none',
    }),
    version: maybeText('version of the proxy'),
    engine: maybeText('`skerry`, `envoy 1.36.2`, …'),
    address: text('where other proxies reach it'),
    connectedAt: maybeTime('when its present or last connection began'),
    disconnectedAt: maybeTime('when its last connection ended; null while it is connected'),
  },
  { description: 'a proxy: sidecar, gateway or zone gateway' },
)
export type ProxyRow = Static<typeof proxy>

export const proxyPage = pageOf(proxy, 'proxies')
