import { type Tag, tagsOf } from '../aws/tags.ts'

/**
 * A task as DescribeTasks tells it and, but for its tags, an event: only what we look at. Everything may be missing: two emulators and the
 * documentation agree on little.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export interface RawTask {
  readonly taskArn?: string | undefined
  readonly taskDefinitionArn?: string | undefined
  readonly containerInstanceArn?: string | undefined
  readonly group?: string | undefined
  readonly startedBy?: string | undefined
  readonly lastStatus?: string | undefined
  readonly desiredStatus?: string | undefined
  readonly healthStatus?: string | undefined
  readonly launchType?: string | undefined
  readonly availabilityZone?: string | undefined
  readonly connectivity?: string | undefined
  readonly stopCode?: string | undefined
  readonly stoppedReason?: string | undefined
  readonly version?: number | undefined
  readonly tags?: readonly Tag[] | undefined
  readonly attachments?:
    | readonly {
        readonly type?: string | undefined
        readonly details?: readonly { readonly name?: string | undefined; readonly value?: string | undefined }[] | undefined
      }[]
    | undefined
  readonly containers?:
    | readonly {
        readonly name?: string | undefined
        readonly networkBindings?:
          | readonly {
              readonly containerPort?: number | undefined
              readonly hostPort?: number | undefined
              readonly protocol?: string | undefined
            }[]
          | undefined
        readonly networkInterfaces?:
          | readonly { readonly privateIpv4Address?: string | undefined; readonly ipv6Address?: string | undefined }[]
          | undefined
      }[]
    | undefined
}

/** What is kept of a task between listings: less than 2 KiB. */
export interface TaskFacts {
  readonly arn: string
  readonly definitionArn: string
  readonly instanceArn: string | undefined
  readonly group: string | undefined
  readonly startedBy: string | undefined
  readonly lastStatus: string
  readonly desiredStatus: string
  readonly healthStatus: string | undefined
  readonly launchType: string | undefined
  readonly zone: string | undefined
  readonly isDisconnected: boolean
  readonly stopCode: string | undefined
  readonly stoppedReason: string | undefined
  readonly version: number | undefined
  /** Of its own network interface. */
  readonly address: string | undefined
  readonly bindings: readonly Binding[]
  readonly tags: Readonly<Record<string, string>>
}

/** Where a port of a container is reached on its host. */
export interface Binding {
  readonly container: string
  readonly containerPort: number
  readonly hostPort: number
}

const noBindings: readonly Binding[] = Object.freeze([])

/** Null for what names no task or no definition: nothing can be said of it. @param tags where the raw one brings none: an event does not */
export function factsOf(raw: RawTask, tags?: Readonly<Record<string, string>>): TaskFacts | null {
  const { taskArn, taskDefinitionArn } = raw
  if (!taskArn || !taskDefinitionArn) return null
  return {
    arn: taskArn,
    definitionArn: taskDefinitionArn,
    instanceArn: text(raw.containerInstanceArn),
    group: text(raw.group),
    startedBy: text(raw.startedBy),
    lastStatus: text(raw.lastStatus) ?? 'UNKNOWN',
    desiredStatus: text(raw.desiredStatus) ?? 'RUNNING',
    healthStatus: text(raw.healthStatus),
    launchType: text(raw.launchType),
    zone: text(raw.availabilityZone),
    isDisconnected: raw.connectivity === 'DISCONNECTED',
    stopCode: text(raw.stopCode),
    stoppedReason: text(raw.stoppedReason),
    version: typeof raw.version === 'number' ? raw.version : undefined,
    address: text(interfaceAddress(raw)),
    bindings: bindingsOf(raw),
    tags: tags !== undefined && !raw.tags ? tags : tagsOf(raw.tags),
  }
}

/** The API calls the attachment `ElasticNetworkInterface`, an event `eni`. */
function interfaceAddress({ attachments, containers }: RawTask): string | undefined {
  const details = attachments?.find(({ type }) => type === 'ElasticNetworkInterface' || type === 'eni')?.details ?? []
  const attached = details.find(({ name }) => name === 'privateIPv4Address')?.value
  const seen = containers?.flatMap(({ networkInterfaces }) => networkInterfaces ?? [])[0]
  return attached || seen?.privateIpv4Address || seen?.ipv6Address
}

/** An emulator writes '' for what is not there, and whoever may write to a queue of events may write anything. */
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function bindingsOf({ containers }: RawTask): readonly Binding[] {
  const bindings = (containers ?? []).flatMap(({ name = '', networkBindings }) =>
    (networkBindings ?? []).flatMap(({ containerPort, hostPort, protocol }) =>
      containerPort && hostPort && protocol !== 'udp' ? [{ container: name, containerPort, hostPort }] : [],
    ),
  )
  // Bound to IPv4 and to IPv6, a port comes twice.
  const unique = new Map(bindings.map(it => [`${it.container} ${it.containerPort}`, it]))
  return unique.size === 0 ? noBindings : [...unique.values()]
}
