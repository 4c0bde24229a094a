import { randomInt } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fetchCa } from '../../identity/first-contact.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { MessageStream } from '../../std/message-stream.ts'
import type { Address } from '../../std/option-value.ts'
import type { Random } from '../../std/random.ts'
import { Admin } from '../admin.ts'
import { AGENT_PATH } from '../agent.ts'
import { writeDurably } from '../durable-file.ts'
import type { RunProbe } from '../probe.ts'
import type { ProxyError } from '../proxy-error.ts'
import { checkToken, readToken, ZoneLine } from '../zone-line.ts'
import type { AgentConfig } from './config.ts'
import { localAddressTowards } from './local-address.ts'
import { Registration } from './registration.ts'
import type { RegisteredService } from './services.ts'

export interface VmAgentDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Opens a stream to the zone for a service; by default over gRPC. */
  readonly open?: (service: RegisteredService, signal: AbortSignal) => MessageStream | Promise<MessageStream>
  readonly probe?: RunProbe
}

export interface RunningVmAgent {
  readonly mesh: string
  readonly directory: string
  /** Name of the Dataplane, by service. */
  readonly names: Readonly<Record<string, string>>
  readonly ports: Readonly<Record<string, Address>>
  /** Resolves when the zone will have none of the services. */
  readonly failed: Promise<ProxyError>
  /** Out of rotation first, then time for what is under way, then goodbye. */
  stop(): Promise<void>
}

/** Registers the services of this machine, which have no proxy: the zone's gateway answers in their names. */
export async function startVmAgent(config: AgentConfig, dependencies: VmAgentDependencies): Promise<RunningVmAgent> {
  const { clock, random, log, open, probe } = dependencies
  const directory = resolve(config.data)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const address = config.address ?? (await localAddressTowards(config.cp))
  const { promise: failed, resolve: fail } = Promise.withResolvers<ProxyError>()
  const lines: ZoneLine[] = []
  const registrations = new Map<string, Registration>()
  const names: Record<string, string> = {}
  let mesh = ''
  let refused = 0
  for (const service of config.services) {
    const { caFile } = config
    const token = service.tokenFile === undefined ? config.token : undefined
    const tokenFile = service.tokenFile ?? config.tokenFile
    const claims = checkToken(await readToken({ token, tokenFile }), caFile)?.claims ?? {}
    mesh = config.mesh ?? textOf(claims.mesh) ?? 'default'
    const name = textOf(claims.name) ?? (await keptName(directory, service.name))
    names[service.name] = name
    const line = new ZoneLine({ address: config.cp, token, tokenFile, caFile, directory, fetchCa })
    lines.push(line)
    registrations.set(
      service.name,
      new Registration({
        service,
        mesh,
        name,
        address,
        connect: signal => (open ? open(service, signal) : line.open(AGENT_PATH, signal)),
        clock,
        random,
        log,
        onRefused: error => {
          log.error('a service is refused', { service: service.name, code: error.code, reason: error.message })
          // The others serve on.
          if (++refused === config.services.length) fail(error)
        },
        ...(probe ? { probe } : {}),
      }),
    )
  }
  const all = [...registrations.values()]
  const admin = config.admin
    ? await Admin.start(config.admin, {
        notReady: () =>
          all
            .map(it => it.notReady)
            .filter(reason => reason !== '')
            .join('; '),
        stats: () => statsOf(registrations),
        config: () => ({
          mesh,
          address,
          services: config.services.map(({ name, ports, check }) => ({
            name,
            dataplane: names[name],
            ports,
            check,
            states: registrations.get(name)!.states,
          })),
        }),
      })
    : null
  for (const registration of all) registration.start()

  let stopping: Promise<void> | null = null
  const stop = async () => {
    await Promise.all(all.map(it => it.drain()))
    await sleep(clock, config.drainMs)
    await Promise.all([...all.map(it => it.close()), admin?.close()])
    for (const line of lines) line.close()
  }
  return {
    mesh,
    directory,
    names,
    ports: admin ? { admin: admin.address } : {},
    failed,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

/** The same at every start: a new name each time would leave a Dataplane behind after each crash. */
async function keptName(directory: string, service: string): Promise<string> {
  const file = join(directory, `name-${service}`)
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim()
  if (kept.startsWith(`${service}-`)) return kept
  const name = `${service}-${randomInt(36 ** 4, 36 ** 5).toString(36)}`
  await writeDurably(file, `${name}\n`)
  return name
}

function statsOf(registrations: ReadonlyMap<string, Registration>): string {
  const lines = [...registrations].flatMap(([service, { states }]) =>
    states.map(({ name, ready }) => `skerry_agent_service_ready{service="${service}",port="${name}"} ${ready ? 1 : 0}`),
  )
  return `# TYPE skerry_agent_service_ready gauge\n${lines.join('\n')}\n`
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined
}
