import type { Layout } from './layout.ts'

/** What makes the demo's processes a shop: one service over both zones that prefers aws-1, and a gateway in front. Applied at global. */
export function shopResources(layout: Layout): Record<string, unknown>[] {
  return [
    {
      type: 'MeshMultiZoneService',
      mesh: 'default',
      name: 'payments',
      spec: {
        selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'payments' } } },
        ports: [{ name: 'main', port: 80, appProtocol: 'http' }],
      },
    },
    {
      type: 'MeshLoadBalancingStrategy',
      mesh: 'default',
      name: 'payments-prefers-aws-1',
      spec: {
        targetRef: { kind: 'Mesh' },
        to: [
          {
            targetRef: { kind: 'MeshMultiZoneService', labels: { 'kuma.io/display-name': 'payments' } },
            default: {
              localityAwareness: {
                crossZone: { failover: [{ to: { type: 'Only', zones: ['aws-1'] } }, { to: { type: 'Only', zones: ['azure-1'] } }] },
              },
            },
          },
        ],
      },
    },
    {
      type: 'MeshGateway',
      mesh: 'default',
      name: 'shop',
      spec: {
        selector: { matchLabels: { 'kuma.io/workload': 'shop-gateway' } },
        listeners: [{ port: layout.ports.shop, protocol: 'HTTP' }],
      },
    },
    {
      type: 'MeshHTTPRoute',
      mesh: 'default',
      name: 'shop',
      spec: {
        targetRef: { kind: 'MeshGateway', labels: { 'kuma.io/display-name': 'shop' } },
        to: [
          {
            targetRef: { kind: 'Mesh' },
            rules: [
              {
                matches: [{ path: { type: 'PathPrefix', value: '/' } }],
                default: { backendRefs: [{ kind: 'MeshService', labels: { 'kuma.io/display-name': 'web', 'kuma.io/zone': 'azure-1' } }] },
              },
            ],
          },
        ],
      },
    },
  ]
}
