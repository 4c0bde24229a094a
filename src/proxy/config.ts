import { isIPv4 } from 'node:net'
import { logLevelOption } from '../std/log-option.ts'
import type { Address } from '../std/option-value.ts'
import { parseOptionValue } from '../std/option-value.ts'
import type { OptionProblem, OptionSpec, OptionValues } from '../std/options.ts'
import { type HealthCheck, healthChecks, readHealthCheck } from './health-check.ts'
import { ownAddress } from './own-address.ts'

/** The settings of `skerry proxy run`. */
export const options = [
  {
    flag: '--cp',
    env: 'SKERRY_CP',
    key: 'cp',
    value: 'string',
    placeholder: 'HOST:PORT',
    help: "Where the zone's control plane takes proxies (its --xds)",
    required: true,
  },
  {
    flag: '--token-file',
    env: 'SKERRY_DATAPLANE_TOKEN_FILE',
    key: 'tokenFile',
    value: 'string',
    placeholder: 'FILE',
    help: 'The token that says who this proxy may be (skerry token dataplane)',
  },
  {
    flag: '--token',
    env: 'SKERRY_DATAPLANE_TOKEN',
    key: 'token',
    value: 'string',
    placeholder: 'TOKEN',
    help: 'The token itself, in place of a file',
    secret: true,
  },
  {
    flag: '--ca-file',
    env: 'SKERRY_CP_CA_FILE',
    key: 'caFile',
    value: 'string',
    placeholder: 'FILE',
    help: "PEM of the CA that signs the control plane's certificate; without it the fingerprint in the token decides",
  },
  {
    flag: '--role',
    env: 'SKERRY_ROLE',
    key: 'role',
    value: 'string',
    placeholder: 'ROLE',
    help: 'sidecar stands beside an application, gateway takes clients from outside, zone-gateway takes proxies of other zones',
    default: 'sidecar',
    choices: ['sidecar', 'gateway', 'zone-gateway'],
  },
  {
    flag: '--service',
    env: 'SKERRY_SERVICE',
    key: 'service',
    value: 'string',
    placeholder: 'NAME',
    help: "The workload that this proxy belongs to, and so the service's name; by default the token's, for gateways their role",
  },
  {
    flag: '--mesh',
    env: 'SKERRY_MESH',
    key: 'mesh',
    value: 'string',
    placeholder: 'NAME',
    help: "The mesh to join; by default the token's",
  },
  {
    flag: '--name',
    env: 'SKERRY_NAME',
    key: 'name',
    value: 'string',
    placeholder: 'NAME',
    help: 'Name of the Dataplane, unique in its mesh; by default <service>-<random>, kept in DIR/name',
  },
  {
    flag: '--port',
    env: 'SKERRY_PORT',
    key: 'port',
    value: 'list',
    placeholder: '[NAME:]PORT[/PROTOCOL]',
    help: 'Where the application listens on this machine; may be repeated. NAME (default main) names the port in policies',
    default: [],
  },
  {
    flag: '--protocol',
    env: 'SKERRY_PROTOCOL',
    key: 'protocol',
    value: 'string',
    placeholder: 'PROTOCOL',
    help: 'What the application speaks on a --port that does not say: http, http2, grpc or tcp; by default http, and grpc with --engine grpc',
  },
  {
    flag: '--health',
    env: 'SKERRY_HEALTH',
    key: 'health',
    value: 'string',
    placeholder: 'tcp|http:/PATH|grpc[:SERVICE]|none',
    help: 'How to find out whether the application answers: a connection, a GET that answers 2xx or 3xx, grpc.health.v1, or not at all',
    default: 'tcp',
  },
  {
    flag: '--address',
    env: 'SKERRY_ADDRESS',
    key: 'address',
    value: 'string',
    placeholder: 'HOST',
    help: "Where other proxies reach this one; auto is this machine's first IPv4 address that is neither loopback nor link-local",
    default: '127.0.0.1',
  },
  {
    flag: '--bind',
    env: 'SKERRY_BIND',
    key: 'bind',
    value: 'string',
    placeholder: 'HOST',
    help: 'Where to listen for what is sent to --address, if that is not an address of this machine; e.g. 0.0.0.0',
  },
  {
    flag: '--inbound-port',
    env: 'SKERRY_INBOUND_PORT',
    key: 'inboundPort',
    value: 'list',
    placeholder: 'PORT',
    help: 'Where other proxies reach the application, one for each --port; by default any free one, kept in DIR/ports.json',
    default: [],
  },
  {
    flag: '--ingress-port',
    env: 'SKERRY_INGRESS_PORT',
    key: 'ingressPort',
    value: 'number',
    placeholder: 'PORT',
    help: 'Where a zone-gateway takes proxies of other zones; 0 takes any free one, kept in DIR/ports.json',
    default: 0,
  },
  {
    flag: '--outbound',
    env: 'SKERRY_OUTBOUND',
    key: 'outbound',
    value: 'list',
    placeholder: '[KIND/]NAME=[ADDRESS:]PORT',
    help: 'Offers a service to the application on a port of this machine, of 127.0.0.1 or of the ADDRESS given (127.0.0.2); may be repeated. KIND is MeshService or MeshMultiZoneService',
    default: [],
  },
  {
    flag: '--http-proxy-port',
    env: 'SKERRY_HTTP_PROXY_PORT',
    key: 'httpProxyPort',
    value: 'string',
    placeholder: 'PORT|none',
    help: "Where the application's http_proxy reaches every service by name (http://NAME.mesh); 0 takes any free one; for gateways none",
  },
  {
    flag: '--label',
    env: 'SKERRY_LABEL',
    key: 'label',
    value: 'list',
    placeholder: 'KEY=VALUE',
    help: 'A label of the Dataplane; may be repeated',
    default: [],
  },
  {
    flag: '--data',
    env: 'SKERRY_DATA',
    key: 'data',
    value: 'string',
    placeholder: 'DIR',
    help: 'Where the proxy keeps its certificate, its last configuration and ports.json; by default ./skerry-proxy-<service>',
  },
  {
    flag: '--admin',
    env: 'SKERRY_ADMIN',
    key: 'admin',
    value: 'string',
    placeholder: 'HOST:PORT|none',
    help: 'Where GET /ready, /stats and /config are answered',
    default: '127.0.0.1:0',
  },
  {
    flag: '--access-log',
    env: 'SKERRY_ACCESS_LOG',
    key: 'accessLog',
    value: 'string',
    placeholder: 'FILE|-|none',
    help: 'A line for each request; - is stdout',
    default: 'none',
  },
  {
    flag: '--drain-timeout',
    env: 'SKERRY_DRAIN_TIMEOUT',
    key: 'drainTimeout',
    value: 'duration',
    placeholder: 'TIME',
    help: 'How long requests that are under way may go on after SIGTERM',
    default: 4000,
  },
  {
    flag: '--engine',
    env: 'SKERRY_ENGINE',
    key: 'engine',
    value: 'string',
    placeholder: 'ENGINE',
    help: "What carries the requests: skerry is this process, envoy an Envoy that it starts, configures and watches, grpc the application itself with gRPC's own xDS client",
    default: 'skerry',
    choices: ['skerry', 'envoy', 'grpc'],
  },
  {
    flag: '--envoy-path',
    env: 'SKERRY_ENVOY',
    key: 'envoyPath',
    value: 'string',
    placeholder: 'FILE',
    help: 'The Envoy to start with --engine envoy; a name without / is looked for in PATH',
    default: 'envoy',
  },
  {
    flag: '--envoy-concurrency',
    env: 'SKERRY_ENVOY_CONCURRENCY',
    key: 'envoyConcurrency',
    value: 'number',
    placeholder: 'THREADS',
    help: 'Threads of an Envoy that carry requests',
    default: 2,
  },
  logLevelOption,
] as const satisfies readonly OptionSpec[]

export type ProxyRole = 'sidecar' | 'gateway' | 'zone-gateway'
/** What carries the requests. */
export type EngineConfig =
  | { readonly kind: 'skerry' }
  | { readonly kind: 'grpc' }
  | { readonly kind: 'envoy'; readonly path: string; readonly concurrency: number }

export type ApplicationProtocol = 'http' | 'http2' | 'grpc' | 'tcp'

export interface ApplicationPort {
  readonly name: string
  readonly port: number
  readonly protocol: ApplicationProtocol
  /** Where the proxy listens for it; 0 = any free one. */
  readonly inboundPort: number
}

export interface OutboundPort {
  readonly kind: 'MeshService' | 'MeshMultiZoneService' | undefined
  readonly name: string
  /** undefined = 127.0.0.1 */
  readonly address: string | undefined
  readonly port: number
}

/** What a user said, checked; what follows from the token and the disk is not in it yet. */
export interface ProxyConfig {
  /** HOST:PORT */
  readonly cp: string
  readonly tokenFile: string | undefined
  readonly token: string | undefined
  readonly caFile: string | undefined
  readonly role: ProxyRole
  readonly engine: EngineConfig
  readonly service: string | undefined
  readonly mesh: string | undefined
  readonly name: string | undefined
  readonly ports: readonly ApplicationPort[]
  readonly health: Exclude<HealthCheck, { kind: 'exec' }>
  readonly address: string
  readonly bind: string
  readonly ingressPort: number
  readonly outbounds: readonly OutboundPort[]
  /** null = none */
  readonly httpProxyPort: number | null
  readonly labels: Readonly<Record<string, string>>
  readonly data: string | undefined
  readonly admin: Address | null
  /** null = none */
  readonly accessLog: string | null
  readonly drainTimeoutMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export type ReadProxyConfig =
  | { readonly kind: 'ok'; readonly config: ProxyConfig }
  | { readonly kind: 'invalid'; readonly problems: readonly OptionProblem[] }

/** From what stands in flags, variables and the file to what it means. Collects every problem. */
export function readProxyConfig(values: OptionValues<typeof options>): ReadProxyConfig {
  const problems: OptionProblem[] = []
  const bad = (where: string, message: string) => {
    problems.push({ where, message })
  }
  const { role } = values
  const ports = values.port.map((text, index) => applicationPort(text, values, index, bad)).filter(port => port !== null)
  repeated(ports.map(port => port.name)).forEach(name => {
    bad('--port', `${JSON.stringify(name)} names two ports: give each a name of its own, e.g. --port admin:9000`)
  })
  if (role === 'sidecar' && values.port.length === 0 && values.engine !== 'grpc')
    bad('--port', 'a sidecar needs the port of its application: give --port 8080')
  if (role !== 'sidecar' && values.port.length > 0) bad('--port', `a ${role} has no application beside it: leave --port out`)
  if (values.inboundPort.length > values.port.length)
    bad('--inbound-port', `there are ${values.inboundPort.length} for ${values.port.length} --port`)
  if (values.tokenFile === undefined && values.token === undefined) {
    bad('--token-file', 'is needed: make a token with skerry token dataplane, and give --token-file FILE or set SKERRY_DATAPLANE_TOKEN')
  }
  const own = values.address === 'auto' ? ownAddress() : values.address
  if (own === undefined) bad('--address', 'is auto, and this machine has no address but loopback and link-local ones: give one')
  const config: ProxyConfig = {
    cp: controlPlane(values.cp, bad),
    tokenFile: values.tokenFile,
    token: values.token,
    caFile: values.caFile,
    role,
    engine: engine(values, bad),
    service: name(values.service, '--service', bad),
    mesh: name(values.mesh, '--mesh', bad),
    name: name(values.name, '--name', bad),
    ports,
    health: health(values.health, bad),
    address: own ?? values.address,
    bind: values.bind ?? own ?? values.address,
    ingressPort: portNumber(String(values.ingressPort), '--ingress-port', bad),
    outbounds: values.outbound.map(text => outbound(text, bad)).filter(outbound => outbound !== null),
    httpProxyPort: httpProxyPort(values.httpProxyPort, role, values.engine, bad),
    labels: labels(values.label, bad),
    data: values.data,
    admin: admin(values.admin, bad),
    accessLog: values.accessLog === 'none' ? null : values.accessLog,
    drainTimeoutMs: values.drainTimeout,
    logLevel: values.logLevel,
  }
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', config: Object.freeze(config) }
}

type Bad = (where: string, message: string) => void

/** An Envoy listens where the zone says, and writes the access log that a policy asks for. */
function engine(values: OptionValues<typeof options>, bad: Bad): EngineConfig {
  if (values.engine === 'skerry') return { kind: 'skerry' }
  if (values.engine === 'grpc') return grpcEngine(values, bad)
  if (values.bind !== undefined && values.bind !== values.address)
    bad('--bind', 'with --engine envoy the proxy listens on --address itself: leave --bind out, and give an address of this machine')
  if (values.accessLog !== 'none') bad('--access-log', 'is the built-in proxy’s: with --engine envoy apply a MeshAccessLog')
  if (values.envoyConcurrency < 1) bad('--envoy-concurrency', 'must be 1 or more')
  return { kind: 'envoy', path: values.envoyPath, concurrency: values.envoyConcurrency }
}

/** The application listens and dials by itself: what only a proxy could do for it has no place here. */
function grpcEngine(values: OptionValues<typeof options>, bad: Bad): EngineConfig {
  const where = 'with --engine grpc '
  if (values.role !== 'sidecar')
    bad('--role', `${where}there is an application, and no proxy that could be a ${values.role}: leave --role out`)
  if (values.inboundPort.length > 0)
    bad('--inbound-port', `${where}peers reach the application itself, on its --port: leave --inbound-port out`)
  if (values.outbound.length > 0) bad('--outbound', `${where}the application dials services by name, as xds:///NAME: leave --outbound out`)
  if ((values.httpProxyPort ?? 'none') !== 'none') bad('--http-proxy-port', `${where}there is no HTTP proxy: leave --http-proxy-port out`)
  if (values.bind !== undefined && values.bind !== values.address)
    bad('--bind', `${where}the application listens where it wants: leave --bind out`)
  if (values.accessLog !== 'none') bad('--access-log', `${where}requests are seen by the application alone: leave --access-log out`)
  return { kind: 'grpc' }
}

/** With or without `https://`, which is what it speaks. */
function controlPlane(text: string, bad: Bad): string {
  const address = text.replace(/^https:\/\//, '').replace(/\/$/, '')
  if (parseOptionValue('address', address).kind === 'bad') bad('--cp', `${JSON.stringify(text)} is not HOST:PORT such as 127.0.0.1:5678`)
  return address
}

function applicationPort(text: string, values: OptionValues<typeof options>, index: number, bad: Bad): ApplicationPort | null {
  const match = /^(?:([a-z0-9](?:[-a-z0-9]*[a-z0-9])?):)?(\d+)(?:\/(\w+))?$/.exec(text)
  const protocol = match?.[3] ?? values.protocol ?? (values.engine === 'grpc' ? 'grpc' : 'http')
  if (!match || !isProtocol(protocol)) {
    bad(
      '--port',
      `${JSON.stringify(text)} is not [NAME:]PORT[/PROTOCOL], e.g. 8080, admin:9000, db:5432/tcp; protocols are ${protocols.join(', ')}`,
    )
    return null
  }
  if (values.engine === 'grpc' && protocol !== 'grpc')
    bad('--port', `${JSON.stringify(text)} is ${protocol}: with --engine grpc the application serves gRPC`)
  const inboundPort = portNumber(values.inboundPort[index] ?? '0', '--inbound-port', bad)
  return { name: match[1] ?? 'main', port: portNumber(match[2]!, '--port', bad, 1), protocol, inboundPort }
}

const protocols = ['http', 'http2', 'grpc', 'tcp'] as const

function isProtocol(text: string): text is ApplicationProtocol {
  return (protocols as readonly string[]).includes(text)
}

function outbound(text: string, bad: Bad): OutboundPort | null {
  const match = /^(?:(MeshService|MeshMultiZoneService)\/)?([a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)=(?:([\d.]+):)?(\d+)$/.exec(text)
  const [, kind, name = '', address, port = ''] = match ?? []
  if (match && (address === undefined || isIPv4(address)))
    return { kind: kind as OutboundPort['kind'], name, address, port: portNumber(port, '--outbound', bad, 1) }
  bad(
    '--outbound',
    `${JSON.stringify(text)} is not [KIND/]NAME=[ADDRESS:]PORT, e.g. payments=10001, payments=127.0.0.2:80 or MeshMultiZoneService/payments=10001`,
  )
  return null
}

function httpProxyPort(text: string | undefined, role: ProxyRole, engine: string, bad: Bad): number | null {
  if (text === undefined) return role === 'sidecar' && engine !== 'grpc' ? 0 : null
  return text === 'none' ? null : portNumber(text, '--http-proxy-port', bad)
}

function health(text: string, bad: Bad): ProxyConfig['health'] {
  const check = readHealthCheck(text)
  if (check !== null && check.kind !== 'exec') return check
  bad('--health', `${JSON.stringify(text)} is none of ${healthChecks}`)
  return { kind: 'tcp' }
}

function admin(text: string, bad: Bad): Address | null {
  if (text === 'none') return null
  const parsed = parseOptionValue('address', text)
  if (parsed.kind === 'ok') return parsed.value as Address
  bad('--admin', `${JSON.stringify(text)} is neither none nor ${parsed.wanted}`)
  return null
}

function labels(texts: readonly string[], bad: Bad): Record<string, string> {
  const found: Record<string, string> = {}
  for (const text of texts) {
    const equals = text.indexOf('=')
    if (equals <= 0) bad('--label', `${JSON.stringify(text)} is not KEY=VALUE`)
    else found[text.slice(0, equals)] = text.slice(equals + 1)
  }
  return found
}

function name(text: string | undefined, flag: string, bad: Bad): string | undefined {
  if (text !== undefined && !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(text)) {
    bad(flag, `${JSON.stringify(text)} is not a name: use lower-case letters, digits and - inside`)
  }
  return text
}

function portNumber(text: string, flag: string, bad: Bad, lowest = 0): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= lowest && port <= 65_535) return port
  bad(flag, `${JSON.stringify(text)} is not a port from ${lowest} to 65535`)
  return 0
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))]
}
