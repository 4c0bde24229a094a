import {
  type Adapter,
  type CallLimit,
  type Gone,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { readSafely } from '../found.ts'
import { GcpRest } from '../gcp/rest.ts'
import { HttpCallError } from '../http/refusal.ts'
import { drainPages, type Page } from '../paging.ts'
import { type GceInstance, gceId, regionOf, translateGce } from './translate.ts'

/** What is read of an instance, and no more: its metadata alone may be hundreds of kilobytes. */
const instanceFields = 'id,name,zone,status,labels,machineType,networkInterfaces(networkIP,ipv6Address)'

/** Machines of Google's Compute Engine. */
export const gce: Adapter = {
  type: 'GCE',
  intervalMs: 30_000,
  open: async (source, deps) => new Gce(source, await GcpRest.open(source, deps, 'https://compute.googleapis.com')),
}

interface ZoneAnswer {
  readonly instances?: readonly GceInstance[]
  readonly warning?: { readonly code?: string; readonly message?: string }
}

class Gce implements OpenAdapter {
  readonly #source: Source
  readonly #rest: GcpRest

  constructor(source: Source, rest: GcpRest) {
    this.#source = source
    this.#rest = rest
  }

  /** A project each: they are named, not found. */
  async scopes(): Promise<ScopeListing> {
    const projects = this.#source.spec.gcp?.projects ?? []
    const scopes = projects.map(project => ({ id: `gcp/${project}/gce`, locality: { cloud: 'gcp', account: project } }))
    return { complete: true, missing: [], scopes }
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const project = scope.locality.account!
    const { locations } = this.#source.spec.gcp ?? {}
    const missing: string[] = []
    const zones = locations?.every(isZone) ? locations : undefined
    const parts = zones
      ? await Promise.all(zones.map(zone => this.#inZone(project, zone, signal).catch(lostPart(missing, `zone ${zone}`, zones.length > 1))))
      : [await this.#everywhere(project, missing, signal)]
    const drained = parts.filter(part => part !== null)
    if (drained.length === 0) throw new SourceCallError('unreachable', missing.join('; '))
    missing.push(...drained.flatMap(part => part.missing))
    const instances = drained.flatMap(part => part.items).filter(instance => isWanted(instance, locations))
    return {
      complete: missing.length === 0,
      missing,
      items: instances.map(instance => readSafely({ id: gceId(instance) }, () => translateGce(instance, project, this.#source.spec))),
      gone: [],
      pages: drained.reduce((sum, part) => sum + part.pages, 0),
    }
  }

  async confirm({ locality }: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    const project = locality.account!
    const answers = new Map<string, 'there' | Gone>()
    for (const id of ids) {
      const [zone, instance] = id.split('/')
      const path = `/compute/v1/projects/${project}/zones/${zone}/instances/${instance}?fields=id`
      try {
        await this.#rest.get(path, limitOf(project), signal)
        answers.set(id, 'there')
      } catch (error) {
        if (!(error instanceof SourceCallError)) throw error
        if (error instanceof HttpCallError && error.status === 404) answers.set(id, { id, reason: 'deleted: it does not exist any more' })
      }
    }
    return answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rest[Symbol.dispose]()
  }

  /** https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList */
  #everywhere(project: string, missing: string[], signal: AbortSignal) {
    const fields = `kind,nextPageToken,unreachables,warning,items/*(warning,instances(${instanceFields}))`
    // Partial success, or one zone that is down would hide all others.
    return this.#pages(
      project,
      `/compute/v1/projects/${project}/aggregated/instances`,
      { returnPartialSuccess: 'true', fields },
      signal,
      answer => {
        const {
          items = {},
          unreachables,
          warning,
          nextPageToken,
        } = answer as {
          items?: Record<string, ZoneAnswer>
          unreachables?: string[]
          warning?: ZoneAnswer['warning']
          nextPageToken?: string
        }
        missing.push(...(unreachables ?? []).map(where => `${where} does not answer`))
        if (warning?.code === 'UNREACHABLE') missing.push(warning.message ?? 'parts of the project do not answer')
        for (const [where, { warning }] of Object.entries(items)) {
          // Nothing there on this page is no loss: other pages have it.
          if (warning && warning.code !== 'NO_RESULTS_ON_PAGE')
            missing.push(`${where}: ${warning.code ?? ''} ${warning.message ?? ''}`.trim())
        }
        return { items: Object.values(items).flatMap(({ instances }) => instances ?? []), next: nextPageToken }
      },
    )
  }

  #inZone(project: string, zone: string, signal: AbortSignal) {
    const fields = `kind,nextPageToken,items(${instanceFields})`
    return this.#pages(project, `/compute/v1/projects/${project}/zones/${zone}/instances`, { fields }, signal, answer => {
      const { items, nextPageToken } = answer as { items?: GceInstance[]; nextPageToken?: string }
      return { items: items ?? [], next: nextPageToken }
    })
  }

  #pages(project: string, path: string, query: Record<string, string>, signal: AbortSignal, read: (answer: unknown) => Page<GceInstance>) {
    return drainPages(
      async pageToken => {
        const search = new URLSearchParams({ maxResults: '500', ...query, ...(pageToken === undefined ? {} : { pageToken }) })
        const answer = await this.#rest.get(`${path}?${search}`, limitOf(project), signal)
        // Google says so of every list, be it empty: what does not comes from something else, and is not "there are none".
        const { kind } = (answer ?? {}) as { kind?: unknown }
        if (typeof kind !== 'string' || !kind.startsWith('compute#instance'))
          throw new SourceCallError('garbled', `GET ${path} answered no list of instances`)
        return read(answer)
      },
      { what: `instances of project ${project}`, idOf: gceId },
    )
  }
}

function isZone(location: string): boolean {
  return /-[a-z]$/.test(location)
}

function isWanted({ zone }: GceInstance, locations: readonly string[] | undefined): boolean {
  const name = zone.slice(zone.lastIndexOf('/') + 1)
  return locations?.some(wanted => wanted === name || wanted === regionOf(name)) ?? true
}

function lostPart(missing: string[], what: string, isOneOfSeveral: boolean) {
  return (error: unknown): null => {
    if (!(error instanceof SourceCallError) || !isOneOfSeveral) throw error
    missing.push(`${what}: ${error.message}`)
    return null
  }
}

/** Of 1,500 reads in a minute that a project may make, shared with everything else in it. */
function limitOf(project: string): CallLimit {
  return { key: `gcp/${project}/compute-read`, perSecond: 5, burst: 20 }
}
