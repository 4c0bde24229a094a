import type { HttpInstanceSummary } from '@aws-sdk/client-servicediscovery'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item, Locality } from '../adapter.ts'
import { itemOf } from '../found.ts'

/** An instance as Cloud Map tells it. Pure. https://docs.aws.amazon.com/cloud-map/latest/api/API_RegisterInstance.html */
export function translateInstance(instance: HttpInstanceSummary, locality: Locality, spec: DiscoverySourceSpec): Item {
  const { InstanceId = '', NamespaceName = '', ServiceName = '', HealthStatus, Attributes: attributes = {} } = instance
  const port = Number(attributes.AWS_INSTANCE_PORT)
  const zone = attributes.AVAILABILITY_ZONE
  const isUnhealthy = HealthStatus === 'UNHEALTHY' || attributes.AWS_INIT_HEALTH_STATUS === 'UNHEALTHY'
  return itemOf(
    { id: `${NamespaceName}/${ServiceName}/${InstanceId}` },
    {
      name: ServiceName,
      namespace: NamespaceName,
      labels: attributes,
      address:
        attributes.AWS_INSTANCE_IPV4 ?? attributes.AWS_INSTANCE_IPV6 ?? attributes.AWS_INSTANCE_CNAME ?? attributes.AWS_ALIAS_DNS_NAME,
      ports: Number.isInteger(port) && port > 0 ? [{ port, name: 'main' }] : [],
      state: isUnhealthy ? 'unhealthy' : 'ready',
      ...(isUnhealthy ? { reason: 'Cloud Map has it as unhealthy' } : {}),
      locality: {
        ...locality,
        ...(zone ? { zone } : {}),
        ...(attributes.ECS_CLUSTER_NAME ? { cluster: attributes.ECS_CLUSTER_NAME } : {}),
      },
      facts: { instance: InstanceId, ecsService: attributes.ECS_SERVICE_NAME, ec2Instance: attributes.AWS_EC2_INSTANCE_ID },
    },
    spec,
  )
}
