import { isDeepStrictEqual } from 'node:util'
import { compareNearness, type NamedByHost, shortHost, specificHost } from '../model/hostname.ts'
import type { HostnameGenerator } from '../model/kinds/hostname-generator.ts'
import type { MeshServiceStatus } from '../model/kinds/mesh-service.ts'
import { zoneLabel } from '../model/labels.ts'
import { displayNameOf } from '../model/names.ts'
import { formatKey } from '../model/resource.ts'
import { compareAge, compareGenerators, type GeneratedHostname, generateHostname, type NameableService } from './hostname-generator.ts'

/** What a status says of a service's names. */
export interface HostnameStatus {
  readonly addresses: NonNullable<MeshServiceStatus['addresses']>
  readonly hostnameGenerators: NonNullable<MeshServiceStatus['hostnameGenerators']>
}

/** `origin` of an address that no HostnameGenerator made. */
export const builtInOrigin = 'Skerry'

interface Claim {
  readonly service: NameableService
  /** Place of the generator in their order; those that none made come last. */
  readonly rank: number
}

interface Entry {
  readonly service: NameableService
  readonly generated: readonly { readonly coreName: string; readonly outcome: Exclude<GeneratedHostname, { kind: 'none' }> }[]
  /** Every host that it claims → by which right, the best one. */
  readonly claims: ReadonlyMap<string, Claim>
}

interface Contest {
  /** By `formatKey` of the service. */
  readonly claims: Map<string, Claim>
  taker: Claim
}

const builtIn = Number.POSITIVE_INFINITY

/**
 * Who is known by which name in one zone: what HostnameGenerators make for services of every kind, and behind those the names of
 * `model/hostname.ts`. In a mesh the first that takes a name has it. Kept up with changes: a service costs its own names, and whom it
 * contends with for them; a change that touches no name costs a look; only another generator costs all services.
 */
export class HostnameTable {
  readonly #zone: string
  readonly #generate: typeof generateHostname
  #generators: readonly HostnameGenerator[] = []
  readonly #entries = new Map<string, Entry>()
  /** `MESH HOST` → who wants it. */
  readonly #contests = new Map<string, Contest>()

  /** @param zone whose callers use the names */
  constructor(zone: string, generate: typeof generateHostname = generateHostname) {
    this.#zone = zone
    this.#generate = generate
  }

  /** In place of the generators before. @returns the keys of the services to look at again: all, or none when nothing changed. */
  setGenerators(generators: readonly HostnameGenerator[]): ReadonlySet<string> {
    const sorted = generators.toSorted(compareGenerators)
    if (isDeepStrictEqual(sorted.map(definition), this.#generators.map(definition))) return new Set()
    this.#generators = sorted
    const services = [...this.#entries.values()].map(({ service }) => service)
    this.#contests.clear()
    this.#entries.clear()
    for (const service of services) this.#enter(service, new Set())
    return new Set(this.#entries.keys())
  }

  /** A service came or changed. @returns the keys (`formatKey`) of the services whose names may be others now. */
  set(service: NameableService): ReadonlySet<string> {
    const touched = new Set<string>()
    const before = this.#entries.get(formatKey(service))
    if (before && sameNaming(before.service, service)) return touched
    if (before) this.#leave(before, touched)
    this.#enter(service, touched)
    return touched
  }

  /** A service went. @returns the keys of the others whose names may be others now. */
  delete(key: string): ReadonlySet<string> {
    const touched = new Set<string>()
    const before = this.#entries.get(key)
    if (before) this.#leave(before, touched)
    touched.delete(key)
    return touched
  }

  /** undefined = the service is not in the table. */
  statusOf(key: string): HostnameStatus | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    const { service, generated, claims } = entry
    const sorted = generated.toSorted((a, b) => (a.coreName < b.coreName ? -1 : 1))
    const ofOthers = [...claims].filter(([host, { rank }]) => rank === builtIn && this.#has(service, host))
    return {
      addresses: [
        ...sorted.flatMap(({ coreName, outcome }) =>
          outcome.kind === 'name' && this.#has(service, outcome.hostname)
            ? [{ hostname: outcome.hostname, origin: 'HostnameGenerator', hostnameGeneratorRef: { coreName } }]
            : [],
        ),
        ...ofOthers.map(([hostname]) => ({ hostname, origin: builtInOrigin })),
      ],
      hostnameGenerators: sorted.map(({ coreName, outcome }) => ({
        hostnameGeneratorRef: { coreName },
        conditions: [{ type: 'Generated', ...this.#condition(service, outcome) }],
      })),
    }
  }

  /** The names that lead to a service, each once. */
  hostnamesOf(key: string): string[] {
    const entry = this.#entries.get(key)
    return entry ? [...entry.claims.keys()].filter(host => this.#has(entry.service, host)) : []
  }

  #condition(service: NameableService, outcome: Entry['generated'][number]['outcome']) {
    if (outcome.kind === 'failed') return { status: 'False', reason: 'TemplateError', message: outcome.reason } as const
    const { service: taker } = this.#contests.get(hostKey(service, outcome.hostname))!.taker
    if (sameKey(taker, service)) return { status: 'True', reason: 'Generated', message: '' } as const
    return { status: 'False', reason: 'Collision', message: `Hostname collision with ${taker.kind}: ${taker.name}` } as const
  }

  #has(service: NameableService, host: string): boolean {
    const taker = this.#contests.get(hostKey(service, host))?.taker
    return taker !== undefined && sameKey(taker.service, service)
  }

  #enter(service: NameableService, touched: Set<string>): void {
    const key = formatKey(service)
    const entry = this.#entryOf(service)
    this.#entries.set(key, entry)
    touched.add(key)
    for (const [host, claim] of entry.claims) {
      const id = hostKey(service, host)
      const contest = this.#contests.get(id)
      if (!contest) {
        this.#contests.set(id, { claims: new Map([[key, claim]]), taker: claim })
        continue
      }
      contest.claims.set(key, claim)
      if (this.#compare(claim, contest.taker) > 0) continue
      contest.taker = claim
      for (const other of contest.claims.keys()) touched.add(other)
    }
  }

  #leave({ service, claims }: Entry, touched: Set<string>): void {
    const key = formatKey(service)
    this.#entries.delete(key)
    for (const host of claims.keys()) {
      const id = hostKey(service, host)
      const contest = this.#contests.get(id)!
      contest.claims.delete(key)
      const [first, ...others] = contest.claims.values()
      if (!first) this.#contests.delete(id)
      else if (sameKey(contest.taker.service, service)) {
        contest.taker = others.reduce((best, claim) => (this.#compare(claim, best) < 0 ? claim : best), first)
        for (const other of contest.claims.keys()) touched.add(other)
      }
    }
  }

  #entryOf(service: NameableService): Entry {
    const generated: Entry['generated'][number][] = []
    const claims = new Map<string, Claim>()
    for (const [rank, generator] of this.#generators.entries()) {
      const outcome = this.#generate(generator, service, this.#zone)
      if (outcome.kind === 'none') continue
      generated.push({ coreName: generator.name, outcome })
      if (outcome.kind === 'name' && !claims.has(outcome.hostname)) claims.set(outcome.hostname, { service, rank })
    }
    for (const host of this.#builtInHosts(service)) if (!claims.has(host)) claims.set(host, { service, rank: builtIn })
    return { service, generated, claims }
  }

  #builtInHosts(service: NameableService): string[] {
    if (service.kind === 'MeshExternalService') return []
    const name = displayNameOf(service).toLowerCase()
    return [specificHost(name, this.#describe(service).zone, this.#zone), shortHost(name)]
  }

  /** Services without a zone (of a zone that has no global yet to name it) count as the local zone's. */
  #describe(service: NameableService): NamedByHost {
    const zone = service.kind === 'MeshService' ? (service.labels[zoneLabel] ?? this.#zone) : ''
    return { zone, storedName: service.name }
  }

  /** Who takes a name first. Where no generator speaks, it is who is nearest. */
  #compare(a: Claim, b: Claim): number {
    if (a.rank !== b.rank) return a.rank - b.rank
    const nearer = a.rank === builtIn ? compareNearness(this.#describe(a.service), this.#describe(b.service), this.#zone) : 0
    return nearer || compareAge(a.service, b.service)
  }
}

function hostKey({ mesh }: NameableService, host: string): string {
  return `${mesh} ${host}`
}

function sameKey(a: NameableService, b: NameableService): boolean {
  return a.kind === b.kind && a.mesh === b.mesh && a.name === b.name
}

/** Everything that names are made of is as it was. */
function sameNaming(a: NameableService, b: NameableService): boolean {
  return a.creationTime === b.creationTime && (a.labels === b.labels || isDeepStrictEqual(a.labels, b.labels))
}

function definition({ name, labels, spec, creationTime }: HostnameGenerator) {
  return { name, labels, spec, creationTime }
}
