import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An API server with so many pods in services of a hundred; each pod of about 4 KiB, as those of an ordinary Deployment are. */
const count = Number(process.argv[2])
const perService = 100
const filler = Array.from({ length: 30 }, (_, index) => ({ name: `VARIABLE_${index}`, value: `value-${index}-${'x'.repeat(40)}` }))

const pods = Array.from({ length: count }, (_, index) => {
  const app = `service-${Math.floor(index / perService)}`
  const name = `${app}-7d4b9c6f5-${index}`
  return JSON.stringify({
    metadata: {
      name,
      namespace: 'shop',
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: String(index + 1),
      labels: { app, 'app.kubernetes.io/name': app, 'app.kubernetes.io/version': '1.2.3', 'pod-template-hash': '7d4b9c6f5' },
      managedFields: [{ manager: 'kubelet', operation: 'Update', fieldsV1: Object.fromEntries(filler.map(it => [`f:${it.name}`, {}])) }],
    },
    spec: {
      nodeName: `node-${index % 100}`,
      containers: [{ name: 'app', image: 'example.com/app:1', env: filler, ports: [{ containerPort: 8080 }] }],
    },
    status: { phase: 'Running', podIPs: [{ ip: addressOf(index) }], conditions: [{ type: 'Ready', status: 'True' }] },
  })
})
const services = Math.ceil(count / perService)
const namesOf = Array.from({ length: services }, (_, index) => `service-${index}`)
const all: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/pods': pods,
  '/api/v1/services': namesOf.map(name =>
    JSON.stringify({ metadata: { name, namespace: 'shop', uid: name }, spec: { ports: [{ name: 'http', port: 80 }] } }),
  ),
  '/api/v1/nodes': Array.from({ length: 100 }, (_, index) =>
    JSON.stringify({
      metadata: { name: `node-${index}`, uid: `node-${index}`, labels: { 'topology.kubernetes.io/zone': `zone-${index % 3}` } },
    }),
  ),
  '/apis/discovery.k8s.io/v1/endpointslices': namesOf.map((name, service) =>
    JSON.stringify({
      metadata: { name: `${name}-abcde`, namespace: 'shop', uid: `slice-${name}`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: Math.min(perService, count - service * perService) }, (_, at) => {
        const index = service * perService + at
        return {
          addresses: [addressOf(index)],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: `node-${index % 100}`,
          zone: `zone-${(index % 100) % 3}`,
          targetRef: {
            kind: 'Pod',
            namespace: 'shop',
            name: `${name}-7d4b9c6f5-${index}`,
            uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
          },
        }
      }),
    }),
  ),
}

const server = createServer((request, response) => {
  const url = new URL(request.url!, 'http://cluster')
  const items = all[url.pathname]
  response.setHeader('content-type', 'application/json')
  if (items === undefined) {
    response.end('{"kind":"Namespace","metadata":{"name":"kube-system","uid":"bench"}}')
    return
  }
  const from = Number(url.searchParams.get('continue') ?? 0)
  const to = from + Number(url.searchParams.get('limit') ?? items.length)
  const metadata = {
    resourceVersion: '100000',
    ...(to < items.length ? { continue: String(to), remainingItemCount: items.length - to } : {}),
  }
  response.end(`{"kind":"List","apiVersion":"v1","metadata":${JSON.stringify(metadata)},"items":[${items.slice(from, to).join()}]}`)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`))

function addressOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
}
