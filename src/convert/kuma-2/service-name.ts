/** What the tag `kuma.io/service` names. */
export interface ServiceName {
  /** A DNS label: the name of the service, and of the workload that serves it. */
  readonly name: string
  /** Of a service of Kubernetes. */
  readonly namespace?: string
  /** The port's number, of a service of Kubernetes. */
  readonly port?: string
}

/** Kuma 2's name for a service of Kubernetes: `backend_shop_svc_3001`. */
const ofKubernetes = /^([A-Za-z0-9.-]+)_([A-Za-z0-9-]+)_svc(?:_([0-9]+))?$/

export function parseServiceName(tag: string): ServiceName {
  const [, name, namespace, port] = ofKubernetes.exec(tag) ?? []
  if (name === undefined || namespace === undefined) return { name: dnsLabel(tag) }
  return { name: dnsLabel(name), namespace: namespace.toLowerCase(), ...(port === undefined ? {} : { port }) }
}

/** A text as a DNS label (RFC 1035): what cannot stand in one becomes "-". The same text always gives the same label. */
export function dnsLabel(text: string): string {
  const fitting = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
  return trimEnd((/^[a-z]/.test(fitting) ? fitting : `s-${fitting}`).slice(0, 63))
}

/** A text as a DNS subdomain (RFC 1123). */
export function dnsSubdomain(text: string): string {
  const fitting = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .split('.')
    .map(label => trimEnd(label.replace(/^-+/, '')))
    .filter(label => label !== '')
    .join('.')
  return fitting === '' ? 'unnamed' : trimEnd(fitting.slice(0, 253))
}

function trimEnd(text: string): string {
  return text.replace(/[-.]+$/, '')
}
