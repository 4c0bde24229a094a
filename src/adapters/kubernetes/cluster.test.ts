import { adapterContract } from '../adapter.contract.ts'
import type { PlatformScript } from '../scripted-platform.ts'
import { openCluster } from './cluster.ts'

/** A cluster with one Service, and a pod for each thing: pods come in pages, one slice has them all. */
const script: PlatformScript = {
  respond({ path, query }, world) {
    const list = (items: readonly object[], next?: string) => ({
      body: { kind: 'List', metadata: { resourceVersion: '7', ...(next === undefined ? {} : { continue: next }) }, items },
    })
    switch (path) {
      case '/api/v1/namespaces/kube-system':
        return { body: { kind: 'Namespace', metadata: { uid: 'cluster-1', name: 'kube-system' } } }
      case '/api/v1/pods': {
        const { names, next } = world.page(query.get('continue'))
        return list(names.map(pod), next)
      }
      case '/apis/discovery.k8s.io/v1/endpointslices':
        return list([slice([...new Set(world.names)])])
      case '/api/v1/services':
        return list([{ metadata: { uid: 'service-1', name: 'web', namespace: 'shop' }, spec: { ports: [{ name: 'http', port: 80 }] } }])
      default:
        return list([])
    }
  },
  isListing: ({ path }) => path === '/api/v1/pods',
}

adapterContract('Kubernetes', {
  script,
  isPaged: true,
  open: (server, deps) =>
    openCluster(
      { id: 'kubernetes/c', locality: {}, server, credentials: { kind: 'token', token: async () => 'secret' } },
      { mesh: 'default', name: 'c', spec: { type: 'Kubernetes', include: [{ names: ['thing-*'] }] } },
      deps,
    ),
})

function pod(name: string): object {
  return {
    metadata: { uid: `uid-${name}`, name, namespace: 'shop' },
    spec: { nodeName: 'node-1', containers: [{ name: 'app' }] },
    status: { phase: 'Running', podIPs: [{ ip: addressOf(name) }], conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

function slice(names: readonly string[]): object {
  return {
    metadata: { uid: 'slice-1', name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ name: 'http', port: 8080 }],
    endpoints: names.map(name => ({ addresses: [addressOf(name)], targetRef: { kind: 'Pod', uid: `uid-${name}` } })),
  }
}

function addressOf(name: string): string {
  return `10.0.0.${Number(name.split('-')[1]) % 250}`
}
