import { readFile } from 'node:fs/promises'
import Type, { type Static } from 'typebox'
import { checkSchema } from '../../model/check-schema.ts'
import { durationMs, durationSchema } from '../../model/duration.ts'
import { closed, dnsLabel, labelMap, nonEmpty, oneOf, portNumber } from '../../model/schema.ts'
import { parseConfigFile } from '../../std/config-file.ts'
import type { ProbeTiming } from '../application-health.ts'
import { type HealthCheck, healthChecks, readHealthCheck } from '../health-check.ts'

export interface ServicePort {
  readonly name: string
  readonly port: number
  readonly protocol: 'http' | 'http2' | 'grpc' | 'tcp'
}

/** A service of a machine, as it is registered. */
export interface RegisteredService {
  /** The workload. */
  readonly name: string
  /** Not empty; names and numbers each once. */
  readonly ports: readonly ServicePort[]
  /** Asked on each port. */
  readonly check: HealthCheck
  readonly timing: ProbeTiming
  readonly labels: Readonly<Record<string, string>>
  /** Instead of the agent's own token. */
  readonly tokenFile?: string
}

type Bad = (where: string, message: string) => void
type Labels = Readonly<Record<string, string>>

const defaultTiming: ProbeTiming = { intervalMs: 5000, timeoutMs: 1000, rise: 1, fall: 2 }

const protocols = ['http', 'http2', 'grpc', 'tcp'] as const
const count = Type.Integer({ minimum: 1, maximum: 100 })
const statusCodes = Type.String({ pattern: '^[1-5][0-9]{2}(-[1-5][0-9]{2})?$', mustBe: 'a status or a range of them, as "200-299"' })

const check = closed({
  tcp: Type.Optional(closed({})),
  http: Type.Optional(
    closed({
      path: Type.String({ pattern: '^/\\S*$', mustBe: 'a path, as /healthz' }),
      method: Type.Optional(oneOf('GET', 'HEAD', 'POST', 'OPTIONS')),
      codes: Type.Optional(Type.Array(statusCodes, { minItems: 1 })),
    }),
  ),
  grpc: Type.Optional(closed({ service: Type.Optional(Type.String()) })),
  exec: Type.Optional(closed({ command: Type.Array(nonEmpty, { minItems: 1 }) })),
  none: Type.Optional(closed({})),
  interval: Type.Optional(durationSchema),
  timeout: Type.Optional(durationSchema),
  rise: Type.Optional(count),
  fall: Type.Optional(count),
})

const file = closed({
  services: Type.Array(
    closed({
      name: dnsLabel,
      ports: Type.Array(closed({ name: Type.Optional(dnsLabel), port: portNumber, protocol: Type.Optional(oneOf(...protocols)) }), {
        minItems: 1,
      }),
      check: Type.Optional(check),
      labels: Type.Optional(labelMap),
      tokenFile: Type.Optional(nonEmpty),
    }),
    { minItems: 1 },
  ),
})
type ServicesFile = Static<typeof file>

/** Every service that a file names; problems by their place in it. */
export async function servicesFromFile(path: string, labels: Labels, bad: Bad): Promise<readonly RegisteredService[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    bad('--services', `${JSON.stringify(path)}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`)
    return null
  })
  if (text === null) return []
  const parsed = await parseConfigFile(path, text)
  if (parsed.kind !== 'ok') {
    if (parsed.kind === 'invalid') for (const { where, message } of parsed.problems) bad(where, message)
    return []
  }
  const { value, violations } = checkSchema(file, parsed.file.values, '', 'refuse')
  // `services[0].check` is `services.0.check` to the parser, which knows the line.
  for (const { field, reason } of violations) bad(parsed.file.place(field.replace(/\[(\d+)\]/g, '.$1')), `${field}: ${reason}`)
  if (violations.length > 0) return []
  const services = (value as ServicesFile).services.map((entry, index) =>
    serviceOf(entry, labels, (field, reason) => bad(parsed.file.place(`services.${index}`), `services[${index}].${field}: ${reason}`)),
  )
  for (const name of repeated(services.map(service => service.name))) bad(path, `services: ${name} is named twice`)
  return services
}

interface Flags {
  readonly service: string
  readonly ports: readonly string[]
  readonly check: string
  readonly intervalMs: number
  readonly labels: Labels
}

/** The one service that flags tell of. */
export function serviceFromFlags(
  { service, ports: texts, check: text, intervalMs, labels }: Flags,
  bad: Bad,
): readonly RegisteredService[] {
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(service))
    bad('--service', `${JSON.stringify(service)} is not a name: use lower-case letters, digits and - inside`)
  if (texts.length === 0) bad('--port', 'is needed: where the service listens, as --port 8080')
  const ports = texts.flatMap(it => portOf(it, bad))
  checkPorts(ports, message => bad('--port', message))
  const read = readHealthCheck(text)
  if (read === null) bad('--check', `${JSON.stringify(text)} is none of ${healthChecks}, exec:COMMAND`)
  return [{ name: service, ports, check: read ?? { kind: 'tcp' }, timing: { ...defaultTiming, intervalMs }, labels }]
}

function serviceOf(
  { name, ports, check = {}, labels, tokenFile }: ServicesFile['services'][number],
  common: Labels,
  bad: Bad,
): RegisteredService {
  const named = ports.map(({ name = ports.length === 1 ? 'main' : '', port, protocol = 'http' }) => ({
    name: name === '' ? String(port) : name,
    port,
    protocol,
  }))
  checkPorts(named, message => bad('ports', message))
  const { interval, timeout, rise, fall, ...kinds } = check
  const chosen = Object.keys(kinds)
  if (chosen.length > 1) bad('check', `is one of tcp, http, grpc, exec and none, not ${chosen.join(' and ')}`)
  return {
    name,
    ports: named,
    check: checkOf(kinds),
    timing: {
      intervalMs: interval === undefined ? defaultTiming.intervalMs : durationMs(interval),
      timeoutMs: timeout === undefined ? defaultTiming.timeoutMs : durationMs(timeout),
      rise: rise ?? defaultTiming.rise,
      fall: fall ?? defaultTiming.fall,
    },
    labels: { ...common, ...labels },
    ...(tokenFile === undefined ? {} : { tokenFile }),
  }
}

function checkOf({ http, grpc, exec, none }: Static<typeof check>): HealthCheck {
  if (none) return { kind: 'none' }
  if (exec) return { kind: 'exec', command: exec.command }
  if (grpc) return { kind: 'grpc', service: grpc.service ?? '' }
  if (!http) return { kind: 'tcp' }
  const codes = http.codes?.map((range): readonly [number, number] => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?]
    return [first, last]
  })
  return { kind: 'http', path: http.path, method: http.method, codes }
}

function portOf(text: string, bad: Bad): ServicePort[] {
  const [, name = 'main', port = '', protocol = 'http'] = /^(?:([a-z0-9](?:[-a-z0-9]*[a-z0-9])?):)?(\d+)(?:\/(\w+))?$/.exec(text) ?? []
  const number = Number(port)
  if (port !== '' && number >= 1 && number <= 65_535 && isProtocol(protocol)) return [{ name, port: number, protocol }]
  bad(
    '--port',
    `${JSON.stringify(text)} is not [NAME:]PORT[/PROTOCOL], e.g. 8080, admin:9000, db:5432/tcp; protocols are ${protocols.join(', ')}`,
  )
  return []
}

function isProtocol(text: string): text is ServicePort['protocol'] {
  return (protocols as readonly string[]).includes(text)
}

function checkPorts(ports: readonly ServicePort[], bad: (message: string) => void): void {
  for (const name of repeated(ports.map(it => it.name))) bad(`${JSON.stringify(name)} names two ports: give each a name of its own`)
  for (const port of repeated(ports.map(it => String(it.port)))) bad(`${port} comes twice`)
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))]
}
