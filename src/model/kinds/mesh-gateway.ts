import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { closed, described, dnsLabel, hostPattern, labelMap, oneOf, portNumber, secureDataSource } from '../schema.ts'

const listener = closed({
  port: portNumber,
  protocol: oneOf('HTTP', 'HTTPS', 'TCP'),
  hostname: Type.Optional(described(hostPattern, '`example.com`, `*.example.com` or `*`; absent = `*`.')),
  name: Type.Optional(described(dnsLabel, "What a route's sectionName names; absent = the port.")),
  tls: Type.Optional(closed({ certificate: secureDataSource, privateKey: secureDataSource })),
})

const spec = closed({
  selector: closed({ matchLabels: labelMap }, { description: 'The Dataplanes (with gateway.type BUILTIN) that listen so.' }),
  listeners: Type.Array(listener, { minItems: 1 }),
})

/** Ours: what the gateways that it selects (Dataplanes with `networking.gateway.type: BUILTIN`) listen to. Routes name it in their `targetRef`. */
export const meshGatewayKind = defineKind({
  kind: 'MeshGateway',
  short: 'mgw',
  path: 'meshgateways',
  scope: 'mesh',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1035',
  description: 'What the gateways that it selects listen to. Routes name it in their targetRef.',
  example: {
    name: 'edge',
    spec: { selector: { matchLabels: { app: 'edge' } }, listeners: [{ port: 8080, protocol: 'HTTP', hostname: 'shop.example.com' }] },
  },
  spec,
  check,
  columns: [
    {
      title: 'LISTENERS',
      value: gateway => gateway.spec.listeners.map(it => `${it.protocol}:${it.port}${it.hostname ? `(${it.hostname})` : ''}`).join(','),
    },
  ],
})
export type MeshGateway = ResourceOf<typeof meshGatewayKind>
export type MeshGatewaySpec = MeshGateway['spec']
export type GatewayListener = Static<typeof listener>

export function gatewayListenerName(listener: GatewayListener): string {
  return listener.name ?? String(listener.port)
}

function check({ listeners }: Static<typeof spec>): Violation[] {
  return listeners.flatMap((listener, index) => {
    const at = `listeners[${index}]`
    const violations: Violation[] = []
    if (listener.protocol === 'HTTPS' && listener.tls === undefined)
      violations.push({ field: `${at}.tls`, reason: 'must be set when protocol is HTTPS' })
    if (listener.protocol !== 'HTTPS' && listener.tls !== undefined)
      violations.push({ field: `${at}.tls`, reason: 'can only be set when protocol is HTTPS' })
    const samePort = listeners.slice(0, index).filter(other => other.port === listener.port)
    if (samePort.some(other => other.protocol !== listener.protocol)) {
      violations.push({ field: `${at}.protocol`, reason: 'must be the same as of the other listeners on this port' })
    }
    if (samePort.some(other => (other.hostname ?? '*') === (listener.hostname ?? '*'))) {
      violations.push({ field: `${at}.hostname`, reason: 'an earlier listener has this port and hostname' })
    }
    return violations
  })
}
