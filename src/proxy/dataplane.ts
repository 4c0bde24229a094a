import { proxyLabel, workloadLabel } from '../model/labels.ts'
import type { Address } from '../std/option-value.ts'
import type { ProxyConfig } from './config.ts'

export interface Registration {
  readonly config: ProxyConfig
  readonly mesh: string
  readonly name: string
  readonly service: string
  /** By key of `portWishes`. */
  readonly ports: ReadonlyMap<string, Address>
}

/** The Dataplane that this proxy registers, in its wire shape. The zone validates it. */
export function dataplaneOf({ config, mesh, name, service, ports }: Registration): object {
  const port = (key: string) => ports.get(key)!.port
  return {
    type: 'Dataplane',
    mesh,
    name,
    labels: { [workloadLabel]: service, ...(config.engine.kind === 'grpc' ? { [proxyLabel]: 'grpc' } : {}), ...config.labels },
    networking: {
      address: config.address,
      ...(config.role === 'sidecar'
        ? { inbound: config.ports.map(it => inbound(config, it, config.engine.kind === 'grpc' ? it.port : port(`inbound.${it.name}`))) }
        : {}),
      ...(config.role === 'gateway' ? { gateway: { type: 'BUILTIN' } } : {}),
      ...(config.role === 'zone-gateway' ? { listeners: [{ type: 'ZoneIngress', address: config.address, port: port('ingress') }] } : {}),
      ...(config.outbounds.length > 0 ? { outbound: config.outbounds.map(outbound) } : {}),
      ...(config.httpProxyPort === null ? {} : { httpProxy: { port: port('http-proxy') } }),
    },
  }
}

function inbound({ health }: ProxyConfig, application: ProxyConfig['ports'][number], port: number): object {
  return {
    port,
    name: application.name,
    protocol: application.protocol,
    servicePort: application.port,
    ...(health.kind === 'http' ? { serviceProbe: { http: { path: health.path } } } : {}),
    ...(health.kind === 'none' ? { serviceProbe: { disabled: true } } : {}),
  }
}

function outbound({ kind, name, address, port }: ProxyConfig['outbounds'][number]): object {
  return { ...(address === undefined ? {} : { address }), port, backendRef: { ...(kind ? { kind } : {}), name } }
}
