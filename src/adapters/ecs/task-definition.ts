import { proxyLabel } from '../../model/labels.ts'
import { sidecarContainer } from '../../model/sidecar.ts'
import { type Tag, tagsOf } from '../aws/tags.ts'

/** As DescribeTaskDefinition tells it: only what we look at. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html */
export interface RawDefinition {
  readonly taskDefinitionArn?: string | undefined
  readonly family?: string | undefined
  readonly revision?: number | undefined
  readonly networkMode?: string | undefined
  readonly containerDefinitions?:
    | readonly {
        readonly name?: string | undefined
        readonly essential?: boolean | undefined
        readonly healthCheck?: object | undefined
        readonly dockerLabels?: Readonly<Record<string, string>> | undefined
        readonly portMappings?:
          | readonly {
              readonly containerPort?: number | undefined
              readonly hostPort?: number | undefined
              readonly containerPortRange?: string | undefined
              readonly protocol?: string | undefined
              readonly name?: string | undefined
              readonly appProtocol?: string | undefined
            }[]
          | undefined
      }[]
    | undefined
}

/** A revision never changes, so that this is kept for as long as there is room. */
export interface Definition {
  readonly arn: string
  readonly family: string
  readonly revision: number | undefined
  /** `awsvpc`, `bridge`, `host`, `none`; AWS leaves out what is `bridge`. */
  readonly networkMode: string
  readonly ports: readonly DefinedPort[]
  /** ECS says a task is healthy or not by these alone. */
  readonly hasHealthCheck: boolean
  readonly hasSidecar: boolean
  /** Of all containers; an earlier one's counts where two have the same name. */
  readonly dockerLabels: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

export interface DefinedPort {
  readonly container: string
  readonly containerPort: number
  readonly name: string | undefined
  /** `http`, `http2`, `grpc`, as Service Connect has them. */
  readonly protocol: string | undefined
}

export function definitionOf(arn: string, raw: RawDefinition, tags: readonly Tag[] | undefined): Definition {
  const containers = raw.containerDefinitions ?? []
  const isSidecar = ({ name, dockerLabels }: (typeof containers)[number]) =>
    name === sidecarContainer || dockerLabels?.[proxyLabel] === 'sidecar'
  const own = containers.filter(container => !isSidecar(container))
  return {
    arn,
    family: raw.family ?? arn.slice(arn.lastIndexOf('/') + 1).split(':')[0]!,
    revision: raw.revision,
    networkMode: raw.networkMode ?? 'bridge',
    ports: own.flatMap(({ name = '', portMappings }) =>
      // A range has no port that somebody could be told.
      (portMappings ?? []).flatMap(({ containerPort, protocol, name: portName, appProtocol }) =>
        containerPort === undefined || protocol === 'udp'
          ? []
          : [{ container: name, containerPort, name: portName, protocol: appProtocol }],
      ),
    ),
    hasHealthCheck: containers.some(({ essential = true, healthCheck }) => essential && healthCheck !== undefined),
    hasSidecar: own.length < containers.length,
    dockerLabels: Object.assign({}, ...own.map(({ dockerLabels }) => dockerLabels ?? {}).reverse()),
    tags: tagsOf(tags),
  }
}
