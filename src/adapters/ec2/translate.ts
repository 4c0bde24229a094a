import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { FoundWorkload, Gone, Item, Locality } from '../adapter.ts'
import { type Tag, tagsOf } from '../aws/tags.ts'
import { itemOf, readSafely } from '../found.ts'

/** An instance as DescribeInstances tells it: only what we look at. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html */
export interface RawInstance {
  readonly InstanceId?: string | undefined
  readonly PrivateIpAddress?: string | undefined
  readonly Ipv6Address?: string | undefined
  readonly State?: { readonly Name?: string | undefined } | undefined
  readonly StateReason?: { readonly Message?: string | undefined } | undefined
  readonly StateTransitionReason?: string | undefined
  readonly Placement?: { readonly AvailabilityZone?: string | undefined } | undefined
  readonly InstanceType?: string | undefined
  readonly InstanceLifecycle?: string | undefined
  readonly ImageId?: string | undefined
  readonly VpcId?: string | undefined
  readonly Tags?: readonly Tag[] | undefined
}

export type TranslatedInstance = { readonly kind: 'item'; readonly item: Item } | { readonly kind: 'gone'; readonly gone: Gone }

/** An instance under a source's rules. What it serves, only its tags can say: `skerry.io/port`, or `defaults.port`. */
export function translateInstance(instance: RawInstance, locality: Locality, spec: DiscoverySourceSpec): TranslatedInstance {
  const id = instance.InstanceId ?? ''
  const state = stateOf(instance)
  if (state.kind === 'gone') return { kind: 'gone', gone: { id, reason: state.reason } }
  const item = readSafely({ id }, () => {
    const tags = tagsOf(instance.Tags)
    const zone = instance.Placement?.AvailabilityZone
    return itemOf(
      { id },
      {
        name: tags.Name || id,
        labels: tags,
        // An instance of an Auto Scaling group that has no other name is one of its group.
        services: [tags.Name, tags['aws:autoscaling:groupName']],
        address: instance.PrivateIpAddress || instance.Ipv6Address,
        ports: [],
        state: state.state,
        ...(state.reason === undefined ? {} : { reason: state.reason }),
        locality: { ...locality, ...(zone === undefined ? {} : { zone }) },
        facts: {
          state: instance.State?.Name,
          type: instance.InstanceType,
          lifecycle: instance.InstanceLifecycle,
          image: instance.ImageId,
          vpc: instance.VpcId,
          group: tags['aws:autoscaling:groupName'],
        },
      },
      spec,
    )
  })
  return { kind: 'item', item }
}

type State =
  | { readonly kind: 'alive'; readonly state: FoundWorkload['state']; readonly reason?: string }
  | { readonly kind: 'gone'; readonly reason: string }

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
function stateOf({ State, StateReason, StateTransitionReason }: RawInstance): State {
  const because = StateReason?.Message || StateTransitionReason
  const name = State?.Name ?? 'unknown'
  const said = because ? `${name}: ${because}` : name
  switch (name) {
    case 'running':
      return { kind: 'alive', state: 'ready' }
    case 'stopping':
    case 'shutting-down':
      return { kind: 'alive', state: 'draining', reason: said }
    case 'stopped':
    case 'terminated':
      return { kind: 'gone', reason: said }
    default:
      return { kind: 'alive', state: 'starting', reason: said }
  }
}
