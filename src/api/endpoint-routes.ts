import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EndpointHealth, ServiceEndpoint } from '../derive/service-endpoints.ts'
import type { KindDefinition } from '../model/kind.ts'
import { kindByName } from '../model/kinds/index.ts'
import { kriOf } from '../model/kri.ts'
import type { Resource } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import { readBlockingQuery } from './blocking-query.ts'
import { EndpointFollowers, type Followed } from './endpoint-followers.ts'
import { EventStream } from './event-stream.ts'
import { invalidResource } from './problem.ts'
import { readItem, targetOf } from './resource-routes.ts'

/** A zone's knowledge of where its services are answered. */
export interface EndpointSource {
  /** undefined = there is no such service. */
  read(service: EndpointService): readonly ServiceEndpoint[] | undefined
  /** Calls `onChange`, synchronously, whenever `read` may give something else. */
  follow(service: EndpointService, onChange: () => void): () => void
}

export interface EndpointService {
  readonly kind: 'MeshService' | 'MeshMultiZoneService'
  readonly mesh: string
  readonly name: string
}

export interface EndpointRoutesOptions {
  readonly registry: Registry
  readonly endpoints: EndpointSource
  readonly clock: Clock
  readonly closing: AbortSignal
}

/** How long a stream is silent at most. */
const HEARTBEAT_MS = 15_000

/**
 * `GET /meshes/{mesh}/{meshservices|meshmultizoneservices}/{name}/_endpoints?health=healthy&port=http`: where a service is answered, for
 * whoever wants to call it without being in the mesh's proxies. With `index` and `wait` it blocks until that is another set, as Consul's
 * `/health/service` does; with `Accept: text/event-stream` it streams every set. Indexes of this route count its own answers, because
 * health has no revision: they do not compare with those of other routes.
 */
export function endpointRoutes(app: FastifyInstance, { registry, endpoints, clock, closing }: EndpointRoutesOptions): void {
  const followers = new EndpointFollowers({ clock, closing, beginning: clock.now() })
  for (const kind of [kindByName('MeshService')!, kindByName('MeshMultiZoneService')!]) {
    const config = { access: { verb: 'read', area: 'resources', kind: kind.kind } } as const
    app.get<{ Params: { mesh: string; name: string } }>(`/meshes/:mesh/${kind.path}/:name/_endpoints`, { config }, (request, reply) => {
      const { key, followed } = question(registry, endpoints, kind, request)
      const wantsStream = request.headers.accept?.includes('text/event-stream') === true
      return wantsStream ? stream(request, reply, key, followed) : answer(request, reply, key, followed)
    })
  }

  async function answer(request: FastifyRequest, reply: FastifyReply, key: string, followed: Followed) {
    const query = readBlockingQuery(request.query)
    const seen =
      query && !closing.aborted
        ? await followers.next(key, followed, { index: query.index, ms: query.waitMs, response: reply.raw })
        : followers.read(key, followed)
    if (!seen) return reply.hijack()
    return reply.header('x-skerry-index', seen.index).type('application/json; charset=utf-8').send(seen.text)
  }

  async function stream(request: FastifyRequest, reply: FastifyReply, key: string, followed: Followed) {
    let seen = followers.read(key, followed)
    const events = new EventStream(reply, { clock, closing })
    try {
      if (request.headers['last-event-id'] !== String(seen.index))
        await events.send({ event: 'endpoints', id: seen.index, data: seen.text })
      while (!events.signal.aborted) {
        const next = await followers.next(key, followed, { index: seen.index, ms: HEARTBEAT_MS, response: reply.raw })
        if (!next) return
        if (next.index === seen.index) await events.beat()
        else await events.send({ event: 'endpoints', id: next.index, data: next.text })
        seen = next
      }
    } catch {
      // The service is gone: the stream ends, and its next reader is told so.
    } finally {
      events.close()
    }
  }
}

interface Question {
  /** The same for the same answers. */
  readonly key: string
  readonly followed: Followed
}

function question(
  registry: Registry,
  endpoints: EndpointSource,
  kind: KindDefinition,
  request: FastifyRequest<{ Params: { mesh: string; name: string } }>,
): Question {
  const { health, port } = readFilter(request.query)
  const target = targetOf(kind, request.params)
  const service = { kind: kind.kind as EndpointService['kind'], mesh: target.mesh, name: target.name }
  const isWanted = (endpoint: ServiceEndpoint) =>
    (health === undefined || endpoint.health === health) &&
    (port === undefined || endpoint.service.name === port || String(endpoint.service.port) === port)
  const read = () => {
    const resource = readItem(registry, target)
    return JSON.stringify(describe(resource, endpoints.read(service) ?? [], isWanted))
  }
  const key = JSON.stringify([service.kind, service.mesh, service.name, health, port])
  return { key, followed: { read, follow: onChange => endpoints.follow(service, onChange) } }
}

function describe(resource: Resource, all: readonly ServiceEndpoint[], isWanted: (endpoint: ServiceEndpoint) => boolean) {
  return {
    type: resource.kind,
    mesh: resource.mesh,
    name: resource.name,
    kri: kriOf(resource),
    total: all.length,
    healthy: all.filter(({ health }) => health === 'healthy').length,
    endpoints: all.filter(isWanted),
  }
}

const healths: readonly EndpointHealth[] = ['healthy', 'draining', 'unhealthy']

function readFilter(query: unknown): { readonly health: EndpointHealth | undefined; readonly port: string | undefined } {
  const { health, port } = (query ?? {}) as Readonly<Record<string, unknown>>
  const known = healths.find(it => it === health)
  if (health !== undefined && known === undefined) {
    throw invalidResource([{ field: 'health', reason: `must be one of ${healths.join(', ')}` }], 'Could not retrieve endpoints')
  }
  return { health: known, port: typeof port === 'string' && port !== '' ? port : undefined }
}
