import { sidecarContainer } from '../../model/sidecar.ts'

/** Only what is looked at; all else is left as it is. */
export interface TaskDefinition {
  readonly family?: string
  readonly networkMode?: string
  readonly executionRoleArn?: string
  readonly cpu?: string
  readonly memory?: string
  readonly runtimePlatform?: { readonly operatingSystemFamily?: string }
  readonly proxyConfiguration?: object
  readonly containerDefinitions?: readonly ContainerDefinition[]
}

export interface ContainerDefinition {
  readonly name?: string
  readonly cpu?: number
  readonly memory?: number
  readonly memoryReservation?: number
  readonly portMappings?: readonly PortMapping[]
  readonly logConfiguration?: { readonly logDriver?: string; readonly options?: Readonly<Record<string, string>> }
}

export interface PortMapping {
  readonly containerPort?: number
  readonly protocol?: string
  readonly name?: string
  readonly appProtocol?: string
}

export interface ApplicationPort {
  readonly container: string
  /** A DNS label. */
  readonly name: string
  readonly port: number
  /** tcp: nothing says what is spoken there. */
  readonly protocol: 'http' | 'http2' | 'grpc' | 'tcp'
  /** Where it is defined. */
  readonly field: string
}

/** What is not the proxy's own. */
export function applicationContainers({ containerDefinitions = [] }: TaskDefinition): readonly ContainerDefinition[] {
  return containerDefinitions.filter(({ name }) => name !== sidecarContainer)
}

/** Where the application listens. Named as discovery names the ports of a task without a proxy, so that adding one renames nothing. */
export function applicationPorts({ containerDefinitions = [] }: TaskDefinition): readonly ApplicationPort[] {
  return containerDefinitions.flatMap(({ name: container = '', portMappings = [] }, index) =>
    container === sidecarContainer
      ? []
      : portMappings.flatMap(({ containerPort: port, protocol = 'tcp', name, appProtocol }, at) =>
          port === undefined || protocol !== 'tcp'
            ? []
            : [
                {
                  container,
                  name: labelOf(name ?? '') || String(port),
                  port,
                  protocol: appProtocol === 'http' || appProtocol === 'http2' || appProtocol === 'grpc' ? appProtocol : 'tcp',
                  field: `containerDefinitions[${index}].portMappings[${at}]`,
                },
              ],
        ),
  )
}

function labelOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
