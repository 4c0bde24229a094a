import { isObject } from '../../model/is-object.ts'
import { sidecarContainer } from '../../model/sidecar.ts'
import { problemsOf } from './problems.ts'
import { sidecarOf } from './sidecar.ts'
import type { Addition, Problem, SidecarOptions } from './sidecar-options.ts'
import { applicationPorts, type TaskDefinition } from './task-definition.ts'

export type AddedSidecar =
  | { readonly kind: 'ok'; readonly task: TaskDefinition; readonly added: readonly Addition[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

/** What DescribeTaskDefinition says of a revision, and RegisterTaskDefinition does not take. */
const readOnly = new Set([
  'taskDefinitionArn',
  'revision',
  'status',
  'requiresAttributes',
  'compatibilities',
  'registeredAt',
  'registeredBy',
  'deregisteredAt',
])

/**
 * A task definition with a proxy beside its application, ready to be registered; one that has it already gets the one that these options ask for.
 * Takes what RegisterTaskDefinition takes and what DescribeTaskDefinition answers.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
 */
export function addSidecar(value: unknown, options: SidecarOptions): AddedSidecar {
  const task = readTask(value)
  const problems = problemsOf(task, options)
  if (problems.length > 0) return { kind: 'refused', problems }
  const containers = task.containerDefinitions!
  const at = containers.findIndex(({ name }) => name === sidecarContainer)
  const { container, added } = sidecarOf(task, options)
  const index = at < 0 ? containers.length : at
  const field = `containerDefinitions[${index}]`
  return {
    kind: 'ok',
    task: { ...task, containerDefinitions: containers.toSpliced(index, 1, container) },
    added: [
      { field, what: at < 0 ? `the container ${sidecarContainer} is new` : `the container ${sidecarContainer} is made anew` },
      ...added.map(addition => ({ ...addition, field: `${field}.${addition.field}` })),
      ...applicationPorts(task)
        .filter(({ protocol }) => protocol === 'tcp')
        .map(({ field, port }) => ({ field, what: passedOn(port) })),
    ],
  }
}

function passedOn(port: number): string {
  const effect = `requests to ${port} are carried as TCP, with mTLS and without routes and retries`
  return `has no appProtocol: ${effect}. Set it to http, http2 or grpc where that is spoken`
}

function readTask(value: unknown): TaskDefinition {
  if (!isObject(value)) return {}
  const described = isObject(value.taskDefinition)
    ? { ...value.taskDefinition, ...(value.tags === undefined ? {} : { tags: value.tags }) }
    : value
  return Object.fromEntries(Object.entries(described).filter(([name]) => !readOnly.has(name))) as TaskDefinition
}
