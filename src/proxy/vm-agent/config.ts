import { isDnsName, isIpAddress } from '../../model/address.ts'
import { logLevelOption } from '../../std/log-option.ts'
import { type Address, parseOptionValue } from '../../std/option-value.ts'
import type { OptionProblem, OptionSpec, OptionValues } from '../../std/options.ts'
import { type RegisteredService, serviceFromFlags, servicesFromFile } from './services.ts'

/** The settings of `skerry agent run`. */
export const options = [
  {
    flag: '--cp',
    env: 'SKERRY_CP',
    key: 'cp',
    value: 'string',
    placeholder: 'HOST:PORT',
    help: "Where the zone's control plane takes agents (its --xds)",
    required: true,
  },
  {
    flag: '--token-file',
    env: 'SKERRY_DATAPLANE_TOKEN_FILE',
    key: 'tokenFile',
    value: 'string',
    placeholder: 'FILE',
    help: 'The token that says which services this machine may register (skerry token dataplane)',
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
    flag: '--services',
    env: 'SKERRY_SERVICES',
    key: 'servicesFile',
    value: 'string',
    placeholder: 'FILE',
    help: 'YAML file with the services of this machine, where there are several, or checks need more than a flag can say',
  },
  {
    flag: '--service',
    env: 'SKERRY_SERVICE',
    key: 'service',
    value: 'string',
    placeholder: 'NAME',
    help: 'The one service of this machine, and so its workload',
  },
  {
    flag: '--port',
    env: 'SKERRY_PORT',
    key: 'port',
    value: 'list',
    placeholder: '[NAME:]PORT[/PROTOCOL]',
    help: 'Where it listens; may be repeated. NAME (default main) names the port in policies, PROTOCOL (default http) is http, http2, grpc or tcp',
    default: [],
  },
  {
    flag: '--check',
    env: 'SKERRY_CHECK',
    key: 'check',
    value: 'string',
    placeholder: 'tcp|http:/PATH|grpc[:SERVICE]|exec:COMMAND|none',
    help: 'How to find out whether it answers: a connection, a GET that answers 2xx or 3xx, grpc.health.v1, a command that ends with 0, or not at all',
    default: 'tcp',
  },
  {
    flag: '--check-interval',
    env: 'SKERRY_CHECK_INTERVAL',
    key: 'checkInterval',
    value: 'duration',
    placeholder: 'TIME',
    help: 'From one check to the next, give or take a tenth',
    default: 5000,
  },
  {
    flag: '--allow-exec-checks',
    env: 'SKERRY_ALLOW_EXEC_CHECKS',
    key: 'allowExecChecks',
    value: 'boolean',
    placeholder: '',
    help: 'Lets checks run commands on this machine, with the rights of the agent',
    default: false,
  },
  {
    flag: '--address',
    env: 'SKERRY_ADDRESS',
    key: 'address',
    value: 'string',
    placeholder: 'HOST',
    help: 'Where the zone gateway reaches this machine; by default the address that this machine uses towards the control plane',
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
    flag: '--label',
    env: 'SKERRY_LABEL',
    key: 'label',
    value: 'list',
    placeholder: 'KEY=VALUE',
    help: 'A label of every service; may be repeated',
    default: [],
  },
  {
    flag: '--data',
    env: 'SKERRY_DATA',
    key: 'data',
    value: 'string',
    placeholder: 'DIR',
    help: 'Where the agent keeps the names under which it registers, and ports.json',
    default: 'skerry-agent',
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
    flag: '--drain-time',
    env: 'SKERRY_DRAIN_TIME',
    key: 'drainTime',
    value: 'duration',
    placeholder: 'TIME',
    help: 'How long requests that are under way may go on after SIGTERM, when no new ones come any more',
    default: 5000,
  },
  logLevelOption,
] as const satisfies readonly OptionSpec[]

/** What a user said, checked. */
export interface AgentConfig {
  /** HOST:PORT */
  readonly cp: string
  readonly tokenFile: string | undefined
  readonly token: string | undefined
  readonly caFile: string | undefined
  readonly services: readonly RegisteredService[]
  /** undefined = to be found out. */
  readonly address: string | undefined
  readonly mesh: string | undefined
  readonly data: string
  readonly admin: Address | null
  readonly drainMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export type ReadAgentConfig =
  | { readonly kind: 'ok'; readonly config: AgentConfig }
  | { readonly kind: 'invalid'; readonly problems: readonly OptionProblem[] }

/** From what stands in flags, variables and files to what it means. Collects every problem. */
export async function readAgentConfig(values: OptionValues<typeof options>): Promise<ReadAgentConfig> {
  const problems: OptionProblem[] = []
  const bad = (where: string, message: string) => void problems.push({ where, message })
  const cp = values.cp.replace(/^https:\/\//, '').replace(/\/$/, '')
  if (parseOptionValue('address', cp).kind === 'bad') bad('--cp', `${JSON.stringify(values.cp)} is not HOST:PORT such as 127.0.0.1:5678`)
  if (values.tokenFile === undefined && values.token === undefined)
    bad('--token-file', 'is needed: make a token with skerry token dataplane, and give --token-file FILE or set SKERRY_DATAPLANE_TOKEN')
  const { address } = values
  if (address !== undefined && !isIpAddress(address) && !isDnsName(address))
    bad('--address', `${JSON.stringify(address)} is neither an IP address nor a host name`)
  const labels = labelsOf(values.label, bad)
  const services = await readServices(values, labels, bad)
  for (const { name, check } of services)
    if (check.kind === 'exec' && !values.allowExecChecks)
      bad(
        '--allow-exec-checks',
        `the check of ${name} runs a command on this machine: allow that with --allow-exec-checks, or use another check`,
      )
  const config: AgentConfig = {
    cp,
    tokenFile: values.tokenFile,
    token: values.token,
    caFile: values.caFile,
    services,
    address,
    mesh: values.mesh,
    data: values.data,
    admin: adminOf(values.admin, bad),
    drainMs: values.drainTime,
    logLevel: values.logLevel,
  }
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', config: Object.freeze(config) }
}

type Bad = (where: string, message: string) => void

async function readServices(
  values: OptionValues<typeof options>,
  labels: Readonly<Record<string, string>>,
  bad: Bad,
): Promise<readonly RegisteredService[]> {
  const { servicesFile, service, port, check, checkInterval } = values
  if (servicesFile !== undefined) {
    if (service !== undefined || port.length > 0) bad('--services', 'names the services already: leave --service and --port out')
    return servicesFromFile(servicesFile, labels, bad)
  }
  if (service === undefined) {
    bad('--service', 'is needed, with --port: or name the services of this machine in a file, with --services FILE')
    return []
  }
  return serviceFromFlags({ service, ports: port, check, intervalMs: checkInterval, labels }, bad)
}

function labelsOf(texts: readonly string[], bad: Bad): Record<string, string> {
  const found: Record<string, string> = {}
  for (const text of texts) {
    const equals = text.indexOf('=')
    if (equals <= 0) bad('--label', `${JSON.stringify(text)} is not KEY=VALUE`)
    else found[text.slice(0, equals)] = text.slice(equals + 1)
  }
  return found
}

function adminOf(text: string, bad: Bad): Address | null {
  if (text === 'none') return null
  const parsed = parseOptionValue('address', text)
  if (parsed.kind === 'ok') return parsed.value as Address
  bad('--admin', `${JSON.stringify(text)} is neither none nor ${parsed.wanted}`)
  return null
}
