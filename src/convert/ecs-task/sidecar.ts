import { proxyLabel } from '../../model/labels.ts'
import { sidecarContainer } from '../../model/sidecar.ts'
import type { Addition, SidecarOptions } from './sidecar-options.ts'
import { applicationContainers, applicationPorts, type ContainerDefinition, type TaskDefinition } from './task-definition.ts'

/** The first that other proxies reach, and the one that is asked whether it is ready; the next ones where the application has them. */
const firstInboundPort = 15006
const firstAdminPort = 9901
/** For requests that are under way; ECS kills what is still there after `stopTimeout`. */
const drainTimeout = '20s'
const stopTimeoutSeconds = 30

/** A container of a task definition, with what is written and never read here. */
export type SidecarContainer = ContainerDefinition & Readonly<Record<string, unknown>>

/** The container of the proxy, and what its fields are for. The task has been checked. */
export function sidecarOf(
  task: TaskDefinition,
  options: SidecarOptions,
): { readonly container: SidecarContainer; readonly added: readonly Addition[] } {
  const ports = applicationPorts(task)
  const used = new Set(ports.map(({ port }) => port))
  const inbound = ports.map(port => ({ ...port, inboundPort: takeFree(firstInboundPort, used) }))
  const admin = takeFree(firstAdminPort, used)
  const service = options.service ?? task.family!
  const owners = [...new Set(ports.map(({ container }) => container))]
  const log = applicationContainers(task).find(({ logConfiguration }) => logConfiguration !== undefined)?.logConfiguration
  const command = [
    ...['proxy', 'run', '--service', service],
    ...inbound.flatMap(({ name, port, protocol, inboundPort }) => [
      ...['--port', `${name}:${port}/${protocol}`],
      ...['--inbound-port', String(inboundPort)],
    ]),
    ...options.outbounds.flatMap(outbound => ['--outbound', outbound]),
    ...['--address', 'auto', '--admin', `127.0.0.1:${admin}`, '--data', '/tmp/skerry', '--drain-timeout', drainTimeout],
  ]
  const environment = [
    { name: 'SKERRY_CP', value: options.cp },
    ...(options.mesh === undefined ? [] : [{ name: 'SKERRY_MESH', value: options.mesh }]),
  ]
  const container: SidecarContainer = {
    name: sidecarContainer,
    image: options.image,
    essential: true,
    cpu: options.cpu,
    memoryReservation: options.memory,
    entryPoint: ['skerry'],
    command,
    environment,
    secrets: [{ name: 'SKERRY_DATAPLANE_TOKEN', valueFrom: options.tokenSecret }],
    portMappings: inbound.map(({ name, inboundPort }) => ({
      name: `skerry-${name}`.slice(0, 64),
      containerPort: inboundPort,
      hostPort: inboundPort,
      protocol: 'tcp',
    })),
    healthCheck: {
      command: ['CMD', 'skerry', 'proxy', 'ready', '--admin', `127.0.0.1:${admin}`],
      interval: 10,
      timeout: 5,
      retries: 3,
      startPeriod: 120,
    },
    dependsOn: owners.map(containerName => ({ containerName, condition: 'START' })),
    stopTimeout: stopTimeoutSeconds,
    dockerLabels: { [proxyLabel]: 'sidecar' },
    ...(log === undefined ? {} : { logConfiguration: log }),
  }
  return { container, added: additions(options, inbound, service) }
}

function additions(
  { tokenSecret, cp, outbounds }: SidecarOptions,
  inbound: readonly { name: string; port: number; inboundPort: number }[],
  service: string,
): Addition[] {
  return [
    { field: 'command', what: `the proxy of service ${service}; --address auto is the address of the task's network interface` },
    ...outbounds.map(outbound => ({
      field: 'command',
      what: `offers ${outbound.split('=')[0]} to the application (${outbound})`,
    })),
    { field: 'environment', what: `SKERRY_CP: the control plane of the zone, ${cp}, which the task must reach` },
    { field: 'secrets', what: `the token, from ${tokenSecret}: the execution role needs the right to read it` },
    ...inbound.map(({ name, port, inboundPort }, index) => ({
      field: `portMappings[${index}]`,
      what: `other proxies reach ${name} (${port}) at ${inboundPort}: open that in the security group, and close ${port}`,
    })),
    { field: 'healthCheck', what: 'asks the proxy whether it and the application are ready; ECS replaces the task when they are not' },
    {
      field: 'dependsOn',
      what: 'the application starts first, and so ECS stops the proxy before it: requests under way end while the application still answers',
    },
    { field: 'stopTimeout', what: `${stopTimeoutSeconds} s, of which requests under way have ${drainTimeout}` },
    { field: 'dockerLabels', what: `${proxyLabel}: discovery does not make a second Dataplane of this task` },
  ]
}

function takeFree(first: number, used: Set<number>): number {
  let port = first
  while (used.has(port)) port++
  used.add(port)
  return port
}
