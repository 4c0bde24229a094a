import { fakeAccount, fakeRegion } from './ministack.ts'

export const cluster = 'shop'
export const queue = 'ecs-events'

/** Where zone aws-1 looks in the fake cloud, and which paths of the shop lead to what it finds there. Applied at global. @param interval from one listing to the next */
export function cloudResources(endpoint: string, interval: string): Record<string, unknown>[] {
  const aws = { regions: [fakeRegion], endpoint }
  const common = { zones: ['aws-1'], credentials: { type: 'Ambient' }, limits: { interval } }
  return [
    {
      type: 'DiscoverySource',
      mesh: 'default',
      name: 'shop-ecs',
      spec: {
        type: 'ECS',
        aws: { ...aws, clusters: [cluster], events: { queueUrl: `${endpoint}/${fakeAccount}/${queue}` } },
        ...common,
      },
    },
    { type: 'DiscoverySource', mesh: 'default', name: 'shop-lambda', spec: { type: 'Lambda', aws, ...common } },
    {
      type: 'MeshHTTPRoute',
      mesh: 'default',
      name: 'shop-cloud',
      spec: {
        targetRef: { kind: 'MeshGateway', labels: { 'kuma.io/display-name': 'shop' } },
        to: [{ targetRef: { kind: 'Mesh' }, rules: ['recommendations', 'greeting'].map(ruleTo) }],
      },
    },
  ]
}

function ruleTo(service: string) {
  return {
    matches: [{ path: { type: 'PathPrefix', value: `/${service}` } }],
    default: { backendRefs: [{ kind: 'MeshService', labels: { 'kuma.io/display-name': service, 'kuma.io/zone': 'aws-1' } }] },
  }
}
