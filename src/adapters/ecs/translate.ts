import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item, Locality } from '../adapter.ts'
import { nameInArn } from '../aws/arn.ts'
import { itemOf, leftOut, type NativeWorkload, readSafely } from '../found.ts'
import type { NativePort } from '../mapping.ts'
import type { TaskFacts } from './task.ts'
import type { Definition } from './task-definition.ts'
import type { TaskState } from './task-state.ts'

export interface Service {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

/** The machine that a task runs on, where it is not Fargate's. */
export interface Host {
  /** `i-…`; `mi-…` is one outside of AWS. */
  readonly id: string
  /** Absent where it cannot be known. */
  readonly address: string | undefined
  readonly zone: string | undefined
  /**
   * Of the container instance: `ACTIVE`, `DRAINING`. A fact to be shown, and no state of its tasks: ECS starts their replacements first, as the
   * service's deployment configuration says, and then says of each that it shall stop. Who took them out before would leave all requests to the few
   * that are elsewhere already, and a task that belongs to no service goes on there for good.
   * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-draining.html
   */
  readonly status: string
  readonly isConnected: boolean
}

/** Of a container instance that ECS does not know any more. */
export const lostHost: Host = { id: '', address: undefined, zone: undefined, status: 'MISSING', isConnected: false }

/** The container instance by which a task is reached, where it has no interface of its own. */
export function hostNeeded({ address, instanceArn }: TaskFacts, definition: Definition | undefined): string | undefined {
  return address !== undefined || definition?.networkMode === 'awsvpc' || definition?.networkMode === 'none' ? undefined : instanceArn
}

/** All that says what a task is. */
export interface KnownTask {
  readonly task: TaskFacts
  readonly definition: Definition
  readonly service: Service | undefined
  readonly host: Host | undefined
  readonly state: Extract<TaskState, { kind: 'alive' }>
}

/** The service that ECS runs a task for; absent for a task that was started by itself. */
export function serviceNameOf({ group }: Pick<TaskFacts, 'group'>): string | undefined {
  return group?.startsWith('service:') ? group.slice('service:'.length) : undefined
}

/** A task under a source's rules. @param locality of its cluster */
export function itemOfTask(known: KnownTask, locality: Locality, spec: DiscoverySourceSpec): Item {
  const { task, definition, service, host, state } = known
  const id = { id: task.arn, ...(task.version === undefined ? {} : { version: task.version }) }
  return readSafely(id, () => {
    const reach = reachOf(known)
    if (reach.kind === 'none') return leftOut(id, reach.reason, definedFacts(factsOfTask(known)))
    const zone = task.zone ?? host?.zone
    const serviceName = serviceNameOf(task)
    const native: NativeWorkload = {
      name: serviceName ?? definition.family,
      // Tags seldom reach the task by themselves (propagateTags), so that each layer speaks where the one above is silent.
      labels: { ...definition.dockerLabels, ...definition.tags, ...service?.tags, ...task.tags },
      services: [serviceName, definition.family],
      ...(definition.revision === undefined ? {} : { version: String(definition.revision) }),
      address: reach.address,
      ports: reach.ports,
      state: state.state,
      ...(state.reason === undefined ? {} : { reason: state.reason }),
      locality: { ...locality, ...(zone === undefined ? {} : { zone }) },
      ...(definition.hasSidecar ? { hasSidecar: true } : {}),
      facts: factsOfTask(known),
    }
    return itemOf(id, native, spec)
  })
}

type Reach =
  | { readonly kind: 'at'; readonly address: string | undefined; readonly ports: readonly NativePort[] }
  | { readonly kind: 'none'; readonly reason: string }

/**
 * Where a task is reached, by what it has and never by its launch type: an interface of its own, or its host's address and the ports that it
 * was given there. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html
 */
function reachOf({ task, definition, host, state }: KnownTask): Reach {
  const asDefined = definition.ports.map(({ containerPort, name, protocol }) => ({ port: containerPort, name, protocol }))
  if (definition.networkMode === 'none') return { kind: 'none', reason: 'its network mode is none: nobody can call it' }
  if (task.address !== undefined) return { kind: 'at', address: task.address, ports: asDefined }
  if (definition.networkMode === 'awsvpc' || task.instanceArn === undefined)
    return { kind: 'none', reason: `it has no network interface${state.state === 'starting' ? ' yet' : ''}` }
  if (host?.address === undefined) return { kind: 'none', reason: hostlessBecause(host) }
  if (definition.networkMode === 'host') return { kind: 'at', address: host.address, ports: asDefined }
  const bound = definition.ports.flatMap(port => {
    const binding = task.bindings.find(it => it.container === port.container && it.containerPort === port.containerPort)
    // The same name on every host, whatever the port is there: it is one port of the service.
    return binding === undefined ? [] : [{ port: binding.hostPort, name: port.name ?? String(port.containerPort), protocol: port.protocol }]
  })
  if (bound.length === 0 && definition.ports.length > 0)
    return { kind: 'none', reason: `none of its ports is bound on its host${state.state === 'starting' ? ' yet' : ''}` }
  return { kind: 'at', address: host.address, ports: bound }
}

function hostlessBecause(host: Host | undefined): string {
  if (host === undefined || host === lostHost) return 'its container instance is not known to ECS'
  const { id } = host
  if (id.startsWith('mi-'))
    return `its host ${id} is outside of AWS, and Systems Manager knows no address of it: see that its SSM agent runs, or run a proxy beside the task (skerry generate ecs-task)`
  return `EC2 does not know an address of its host ${id}`
}

function factsOfTask({ task, definition, host, state }: KnownTask): NativeWorkload['facts'] {
  return {
    status: state.state === 'ready' ? task.lastStatus : `${task.lastStatus}, to be ${task.desiredStatus}`,
    health: task.healthStatus,
    service: serviceNameOf(task),
    definition: `${definition.family}:${definition.revision ?? '?'}`,
    network: definition.networkMode,
    launch: task.launchType,
    startedBy: task.startedBy,
    task: nameInArn(task.arn),
    host: host === undefined ? undefined : `${host.id} ${host.status}${host.isConnected ? '' : ', agent disconnected'}`,
    connectivity: task.isDisconnected ? 'DISCONNECTED: what is known may be old' : undefined,
  }
}

function definedFacts(facts: NativeWorkload['facts'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined))
}
