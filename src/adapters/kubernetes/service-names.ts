import { dnsLabelOf } from '../dns-label.ts'

/** What a Service is called in the mesh: with its namespace, unless that is `default`; or as its label says. */
export function meshServiceNameOf(namespace: string, name: string, label?: string): string {
  return dnsLabelOf(label || (namespace === 'default' ? name : `${name}-${namespace}`))
}

/** What a port says that it speaks; else the prefix of its name, by the convention of Istio and others: `http`, `grpc-api`. */
export function protocolOf(appProtocol: string, name: string): string | undefined {
  if (appProtocol !== '') return appProtocol
  const prefix = name.split('-')[0]!
  return ['http', 'http2', 'grpc', 'tcp'].includes(prefix) ? prefix : undefined
}
