import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { discoverySourceKind } from '../model/kinds/discovery-source.ts'
import { displayNameOf } from '../model/names.ts'
import type { Registry } from '../registry/registry.ts'
import type { DiscoveryCall, DiscoveryList, DiscoveryZones, FoundThing, Released, SourceTest } from './discovery.ts'
import { invalidResource, notFound } from './problem.ts'
import { readTokenRequest } from './token-requests.ts'

const { kind } = discoverySourceKind

interface Options {
  readonly registry: Registry
  readonly zones: DiscoveryZones
}

interface SourceParams {
  readonly mesh: string
  readonly name: string
}

/** Zones that could not be asked: what they have is not in the answer. */
interface Unreachable {
  readonly zone: string
  readonly error: string
}

const releaseRequest = Type.Object({ scope: Type.Optional(Type.String({ minLength: 1 })) }, { additionalProperties: false })

/** What discovery does: which sources there are and how they are, what became of a thing, and the removals that wait for a person. */
export function discoveryRoutes(app: FastifyInstance, { registry, zones }: Options): void {
  const access = (verb: 'read' | 'update') => ({ config: { access: { verb, area: 'resources', kind } } }) as const

  app.get('/discovery/sources', { config: { access: { verb: 'read', area: 'resources', kind, scope: 'handler' } } }, async request => {
    const { answers, unreachable } = await askZones<DiscoveryList>(zones, request, { what: 'list' })
    const { mesh } = request.query as { readonly mesh?: string }
    const sources = answers
      .flatMap(answer => answer.sources)
      .filter(source => mesh === undefined || source.mesh === mesh)
      .filter(
        source => request.access.decide({ verb: 'read', area: 'resources', kind, mesh: source.mesh, name: source.name }).kind === 'allowed',
      )
    return { items: sources, budgets: answers.flatMap(answer => answer.budgets), unreachable }
  })

  app.post<{ Params: SourceParams }>('/discovery/sources/:mesh/:name/test', access('update'), async request => {
    const query = queryOf(registry, request.params)
    const { answers, unreachable } = await askZones<SourceTest>(zones, request, { what: 'test', withinMs: zones.testWithinMs, ...query })
    request.audit.did('test', { source: query.source })
    return { items: found(answers, unreachable, request.params), unreachable }
  })

  app.get<{ Params: SourceParams }>('/discovery/sources/:mesh/:name/explain', access('read'), async request => {
    const { id = '' } = request.query as { readonly id?: string }
    if (id === '')
      throw invalidResource([{ field: 'id', reason: 'cannot be empty: a part of the id or the name of the thing' }], 'Could not explain')
    const { answers, unreachable } = await askZones<FoundThing[]>(zones, request, {
      what: 'explain',
      id,
      ...queryOf(registry, request.params),
    })
    return { items: found(answers, unreachable, request.params).flat(), unreachable }
  })

  app.post<{ Params: SourceParams }>('/discovery/sources/:mesh/:name/release', access('update'), async request => {
    const { scope } = request.body === undefined ? {} : readTokenRequest(request, releaseRequest, [])
    const query = { ...queryOf(registry, request.params), ...(scope === undefined ? {} : { scope }) }
    const { answers, unreachable } = await askZones<Released>(zones, request, { what: 'release', ...query })
    const items = found(answers, unreachable, request.params)
    request.audit.did('release', { ...query, removed: items.reduce((sum, { removed }) => sum + removed, 0) })
    return { items, unreachable }
  })
}

/** A source has another name in a zone that got it from global; what people call it is the same everywhere. */
function queryOf(registry: Registry, { mesh, name }: SourceParams): { readonly mesh: string; readonly source: string } {
  const resource = registry.get({ kind, mesh, name })
  return { mesh, source: resource === undefined ? name : displayNameOf(resource) }
}

async function askZones<T>(
  zones: DiscoveryZones,
  request: FastifyRequest,
  call: DiscoveryCall,
): Promise<{ readonly answers: readonly T[]; readonly unreachable: readonly Unreachable[] }> {
  const { zone } = request.query as { readonly zone?: string }
  const meant = zones.names().filter(name => zone === undefined || name === zone)
  if (zone !== undefined && meant.length === 0)
    throw notFound('Could not ask the zone', `there is no zone '${zone}': skerry get zones lists them`)
  const unreachable: Unreachable[] = []
  const answers = await Promise.all(
    meant.map(async name => {
      try {
        return (await zones.ask(name, call)) as T | null
      } catch (error) {
        unreachable.push({ zone: name, error: (error as Error).message })
        return null
      }
    }),
  )
  return { answers: answers.filter(answer => answer !== null), unreachable }
}

function found<T>(answers: readonly T[], unreachable: readonly Unreachable[], { mesh, name }: SourceParams): readonly T[] {
  if (answers.length > 0) return answers
  const silent = unreachable.map(({ zone, error }) => `; zone '${zone}' could not be asked: ${error}`).join('')
  throw notFound(
    'Could not find the source',
    `no zone has a DiscoverySource '${name}' in mesh '${mesh}'${silent}: skerry discovery list shows them`,
  )
}
