import type { Problem, SidecarOptions } from './sidecar-options.ts'
import { applicationContainers, applicationPorts, type ContainerDefinition, type TaskDefinition } from './task-definition.ts'

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const mostContainers = 10

/** Why a proxy in this task could not work; all of it. */
export function problemsOf(task: TaskDefinition, options: SidecarOptions): Problem[] {
  const problems: Problem[] = []
  const bad = (field: string, reason: string) => void problems.push({ field, reason })
  if (!Array.isArray(task.containerDefinitions) || applicationContainers(task).length === 0) {
    bad(
      'containerDefinitions',
      'there is no application: give the JSON of a task definition, as aws ecs describe-task-definition prints it',
    )
    return problems
  }
  if (!task.family) bad('family', 'must be defined')
  if (task.networkMode !== 'awsvpc' && task.networkMode !== 'host')
    bad(
      'networkMode',
      `is ${task.networkMode ?? 'bridge'}: the proxy would listen on a port of the host that it cannot know. Use awsvpc, or leave the proxy out and let discovery find the task`,
    )
  if (!task.executionRoleArn) bad('executionRoleArn', 'must be defined: ECS reads the token with it')
  if (task.runtimePlatform?.operatingSystemFamily?.startsWith('WINDOWS'))
    bad('runtimePlatform.operatingSystemFamily', `is ${task.runtimePlatform.operatingSystemFamily}: the proxy needs Linux`)
  if (task.proxyConfiguration !== undefined)
    bad('proxyConfiguration', "sends the application's traffic through another proxy (App Mesh): remove it")
  if (applicationPorts(task).length === 0)
    bad('containerDefinitions[].portMappings', 'no container has a TCP port: the proxy stands before one. Name it with containerPort')
  const names = applicationPorts(task).map(({ name }) => name)
  for (const { name, field } of applicationPorts(task).filter(({ name }, index) => names.indexOf(name) < index))
    bad(`${field}.name`, `${JSON.stringify(name)} is the name of another port: ports are told apart by their names`)
  if (applicationContainers(task).length >= mostContainers)
    bad('containerDefinitions', `holds ${applicationContainers(task).length} containers, and ECS allows ${mostContainers} with the proxy`)
  problems.push(...sizeProblems(task, options))
  return problems
}

function sizeProblems(task: TaskDefinition, { cpu, memory }: SidecarOptions): Problem[] {
  const containers = applicationContainers(task)
  const sum = (of: (container: ContainerDefinition) => number | undefined) =>
    containers.reduce((total, container) => total + (of(container) ?? 0), 0)
  const taken = { cpu: sum(container => container.cpu), memory: sum(container => container.memoryReservation ?? container.memory) }
  return [
    ...tooSmall('cpu', task.cpu, inUnits(task.cpu, /vcpu$/i), taken.cpu, cpu, 'CPU units'),
    ...tooSmall('memory', task.memory, inUnits(task.memory, /gb$/i), taken.memory, memory, 'MiB'),
  ]
}

function tooSmall(
  field: 'cpu' | 'memory',
  said: string | undefined,
  has: number | null,
  taken: number,
  wanted: number,
  unit: string,
): Problem[] {
  if (said === undefined) return []
  if (has === null) return [{ field, reason: `${JSON.stringify(said)} is no amount: write a number of ${unit}` }]
  if (taken + wanted <= has) return []
  return [
    {
      field,
      reason: `is ${has} ${unit}, of which the containers have ${taken}: the proxy's ${wanted} do not fit. Raise it, or give --${field} less`,
    },
  ]
}

/** `512`, `0.5 vCPU`, `1GB`: in units of which 1024 are one. */
function inUnits(text: string | undefined, large: RegExp): number | null {
  const plain = text?.trim() ?? ''
  const number = Number(plain.replace(large, '').trim())
  if (plain === '' || !Number.isFinite(number)) return null
  return large.test(plain) ? number * 1024 : number
}
