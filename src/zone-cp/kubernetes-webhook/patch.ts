import { sidecarContainer } from '../../adapters/kubernetes/cluster-objects.ts'
import { workloadOfPod } from '../../identity/attest/kubernetes.ts'

/** What every injected proxy is told. */
export interface SidecarSettings {
  readonly image: string
  /** HOST:PORT at which pods reach the zone's `--xds`. */
  readonly cp: string
  /** PEM of the CA that signs that server's certificate. */
  readonly caPem: string
  readonly mesh: string
}

/** https://datatracker.ietf.org/doc/html/rfc6902 */
export interface PatchOperation {
  readonly op: 'add'
  readonly path: string
  readonly value: unknown
}

export type Injection =
  | { readonly kind: 'inject'; readonly patch: readonly PatchOperation[] }
  /** `warning`: somebody expected a proxy. */
  | { readonly kind: 'skip'; readonly reason: string; readonly warning: boolean }

/** As much of a Pod as injection looks at. */
export interface InjectablePod {
  readonly metadata?: {
    readonly name?: string
    readonly generateName?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly serviceAccountName?: string
    readonly hostNetwork?: boolean
    readonly containers?: readonly InjectableContainer[]
    readonly initContainers?: readonly InjectableContainer[]
    readonly volumes?: readonly { readonly name?: string }[]
  }
}
interface InjectableContainer {
  readonly name?: string
  readonly ports?: readonly { readonly name?: string; readonly containerPort?: number; readonly protocol?: string }[]
  readonly lifecycle?: { readonly preStop?: unknown }
}

/** Pods and namespaces say with it whether they get a proxy: `enabled`, `disabled`. */
export const injectLabel = 'skerry.io/inject'
/** `[NAME:]PORT[/PROTOCOL]`, separated by commas: instead of the ports of the containers. */
export const portsAnnotation = 'skerry.io/ports'
/** Of the token by which a proxy proves to its zone what pod it is in. */
export const tokenAudience = 'skerry'
const caAnnotation = 'skerry.io/control-plane-ca'
const volumeName = 'skerry'
const mountPath = '/var/run/secrets/skerry.io'
const dataVolumeName = 'skerry-data'
const firstInboundPort = 16_001
const adminPort = 16_000
/** How long an application goes on after its pod was told to end: so that the mesh has stopped calling before it does. s */
const goOnForS = 5

/** What is added to a pod so that it has a proxy; nothing when it has one, so that asking twice is as good as asking once. */
export function injectionOf(pod: InjectablePod, namespace: string, { image, cp, caPem, mesh }: SidecarSettings): Injection {
  const { metadata = {}, spec = {} } = pod
  const skip = (reason: string, warning = false) => ({ kind: 'skip', reason, warning }) as const
  if (metadata.labels?.[injectLabel] === 'disabled') return skip(`its label ${injectLabel} is disabled`)
  if ([...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(it => it.name === sidecarContainer)) return skip('it has a proxy')
  if (spec.hostNetwork) return skip('it uses the network of its node, which other pods share: no proxy is injected', true)
  const ports = metadata.annotations?.[portsAnnotation] ?? portsOf(spec.containers ?? [])
  if (ports === '')
    return skip(
      `no container names a TCP port: no proxy is injected; annotation ${portsAnnotation} says where the application listens`,
      true,
    )
  const workload = workloadOfPod({ namespace, serviceAccount: spec.serviceAccountName ?? 'default', labels: metadata.labels ?? {} })
  const environment = {
    SKERRY_CP: cp,
    SKERRY_CP_CA_FILE: `${mountPath}/ca.pem`,
    SKERRY_DATAPLANE_TOKEN_FILE: `${mountPath}/token`,
    SKERRY_MESH: mesh,
    SKERRY_SERVICE: workload,
    SKERRY_NAME: '$(POD_NAME).$(POD_NAMESPACE)',
    SKERRY_ADDRESS: '$(POD_IP)',
    SKERRY_PORT: ports,
    SKERRY_INBOUND_PORT: ports
      .split(',')
      .map((_, index) => String(firstInboundPort + index))
      .join(),
    SKERRY_LABEL: [`k8s.kuma.io/namespace=${namespace}`, `k8s.kuma.io/service-account=${spec.serviceAccountName ?? 'default'}`].join(),
    SKERRY_ADMIN: `127.0.0.1:${adminPort}`,
    SKERRY_DATA: '/var/lib/skerry',
  }
  const probe = ['node', '-e', `fetch('http://127.0.0.1:${adminPort}/ready').then(it=>process.exit(it.ok?0:1),()=>process.exit(1))`]
  const container = {
    name: sidecarContainer,
    image,
    args: ['proxy', 'run'],
    env: [
      fromField('POD_NAME', 'metadata.name'),
      fromField('POD_NAMESPACE', 'metadata.namespace'),
      fromField('POD_IP', 'status.podIP'),
      ...Object.entries(environment).map(([name, value]) => ({ name, value })),
    ],
    readinessProbe: { exec: { command: probe }, periodSeconds: 10, timeoutSeconds: 5 },
    startupProbe: { exec: { command: probe }, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 60 },
    resources: { requests: { cpu: '20m', memory: '96Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: [
      { name: volumeName, mountPath, readOnly: true },
      { name: dataVolumeName, mountPath: '/var/lib/skerry' },
    ],
  }
  const token = { serviceAccountToken: { audience: tokenAudience, expirationSeconds: 3600, path: 'token' } }
  const ca = { downwardAPI: { items: [{ path: 'ca.pem', fieldRef: { fieldPath: `metadata.annotations['${caAnnotation}']` } }] } }
  const volumes = [
    { name: volumeName, projected: { defaultMode: 0o444, sources: [token, ca] } },
    { name: dataVolumeName, emptyDir: {} },
  ]
  return {
    kind: 'inject',
    patch: [
      ...withParent('/metadata', 'annotations', metadata.annotations, { [caAnnotation]: caPem }),
      ...withParent('/metadata', 'labels', metadata.labels, { 'skerry.io/injected': 'true' }),
      ...(spec.containers ?? []).flatMap((it, index) => goOn(it, index)),
      { op: 'add', path: '/spec/containers/-', value: container },
      ...(spec.volumes === undefined
        ? [{ op: 'add', path: '/spec/volumes', value: volumes } as const]
        : volumes.map(value => ({ op: 'add', path: '/spec/volumes/-', value }) as const)),
    ],
  }
}

/** Applications that do not say themselves what they do before they are told to end. https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/ */
function goOn({ lifecycle }: InjectableContainer, index: number): PatchOperation[] {
  const preStop = { sleep: { seconds: goOnForS } }
  if (lifecycle === undefined) return [{ op: 'add', path: `/spec/containers/${index}/lifecycle`, value: { preStop } }]
  return lifecycle.preStop === undefined ? [{ op: 'add', path: `/spec/containers/${index}/lifecycle/preStop`, value: preStop }] : []
}

/** Members of an object that may not be there yet. */
function withParent(at: string, name: string, there: object | undefined, members: Readonly<Record<string, string>>): PatchOperation[] {
  if (there === undefined) return [{ op: 'add', path: `${at}/${name}`, value: members }]
  return Object.entries(members).map(([key, value]) => ({ op: 'add', path: `${at}/${name}/${escaped(key)}`, value }))
}

/** https://datatracker.ietf.org/doc/html/rfc6901#section-3 */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function fromField(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } }
}

/** As `--port` takes them. */
function portsOf(containers: readonly InjectableContainer[]): string {
  const ports = containers.flatMap(it => it.ports ?? []).filter(it => (it.protocol ?? 'TCP') === 'TCP' && it.containerPort !== undefined)
  return ports
    .map(({ name, containerPort }) => {
      const protocol = name === undefined ? 'http' : protocolOf(name)
      return `${name === undefined ? '' : `${name.toLowerCase()}:`}${containerPort}/${protocol}`
    })
    .filter((it, index, all) => all.indexOf(it) === index)
    .join()
}

/** By the convention of port names. */
function protocolOf(name: string): string {
  if (/^(grpc|http2)/i.test(name)) return name.toLowerCase().startsWith('grpc') ? 'grpc' : 'http2'
  return /^(http|web)/i.test(name) ? 'http' : 'tcp'
}
