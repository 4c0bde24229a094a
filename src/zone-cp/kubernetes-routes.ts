import { type ApiClient, ApiError } from '../adapters/kubernetes/api-client.ts'
import { type ServiceFacts, serviceFacts } from '../adapters/kubernetes/cluster-objects.ts'
import { type RouteFacts, routeFacts } from '../adapters/kubernetes/gateway-api/route-objects.ts'
import { parentsWithOurs } from '../adapters/kubernetes/gateway-api/route-status.ts'
import { type FindService, type ParentVerdict, translateRoute } from '../adapters/kubernetes/gateway-api/translate-route.ts'
import { mirror, type ObjectEvent, type Reflection, Reflector } from '../adapters/kubernetes/reflector.ts'
import { meshServiceNameOf } from '../adapters/kubernetes/service-names.ts'
import { computedLabels } from '../model/compute-labels.ts'
import { foundNamespaceLabel, managedByKubernetes, managedByLabel } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { fromWire } from '../model/wire.ts'
import type { Registry, RegistryChange } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { systemRandom } from '../std/random.ts'

interface Options {
  readonly client: ApiClient
  readonly registry: Registry
  readonly zone: string
  readonly mesh: string
  readonly clock: Clock
  readonly log: Log
}

const paths = {
  HTTPRoute: '/apis/gateway.networking.k8s.io/v1/httproutes',
  GRPCRoute: '/apis/gateway.networking.k8s.io/v1/grpcroutes',
} as const

/**
 * Keeps a MeshHTTPRoute for each HTTPRoute and GRPCRoute of the cluster that has a Service as its parent, and tells in the route's status what
 * became of it. One that a list lacks is removed when the list was complete; while the cluster cannot be asked, all of them stay.
 */
export class KubernetesRoutes implements AsyncDisposable {
  readonly #options: Options
  readonly #stop = new AbortController()
  /** By `namespace/name`. */
  readonly #services = new Map<string, ServiceFacts>()
  /** By uid. */
  readonly #routes = new Map<string, RouteFacts>()
  /** Until all of it was seen once, what is missing may only not have been seen. */
  readonly #unseen = new Set<string>(['Service', ...Object.keys(paths)])
  readonly #running: Promise<unknown>
  readonly #unsubscribe: () => void
  #work: Promise<void> = Promise.resolve()
  #isDue = false
  #mayWriteStatus = true

  constructor(options: Options) {
    this.#options = options
    this.#unsubscribe = options.registry.onChange(({ changes }) => {
      if (changes.some(it => it.kind === 'put' && it.resource.kind === 'Mesh')) this.#due()
    })
    this.#running = Promise.all([
      this.#mirror(
        'Service',
        '/api/v1/services',
        raw => serviceFacts(raw, labels => labels),
        this.#services,
        it => it.key,
      ),
      ...(['HTTPRoute', 'GRPCRoute'] as const).map(kind =>
        this.#mirror(
          kind,
          paths[kind],
          raw => routeFacts(kind, raw),
          this.#routes,
          it => it.uid,
        ),
      ),
    ])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe()
    this.#stop.abort()
    await this.#running
    await this.#work
  }

  async #mirror<T extends ServiceFacts | RouteFacts>(
    what: string,
    path: string,
    project: (raw: object) => T,
    known: Map<string, T>,
    keyOf: (object: T) => string,
  ): Promise<void> {
    const { clock, log } = this.#options
    const shared = { clock, random: systemRandom, log: log.child({ kubernetes: what }) }
    const reflector = new Reflector<T>({ client: this.#options.client, path, project, ...shared })
    const handle = {
      listed: ({ objects, missing }: Reflection<T>) => {
        const isWhole = missing.length === 0
        const present = new Set([...objects.values()].map(keyOf))
        for (const [key, object] of known) if (isWhole && isOf(what, object) && !present.has(key)) known.delete(key)
        for (const object of objects.values()) known.set(keyOf(object), object)
        if (isWhole) this.#unseen.delete(what)
        this.#due()
      },
      changed: (events: readonly ObjectEvent<T>[]) => {
        for (const { kind, object } of events) {
          if (kind === 'put') known.set(keyOf(object), object)
          else known.delete(keyOf(object))
        }
        this.#due()
      },
    }
    await mirror(reflector, handle, shared, this.#stop.signal)
  }

  /** One pass at a time; what changes meanwhile is for the next one. */
  #due(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#work = this.#work.then(async () => {
      this.#isDue = false
      await this.#pass().catch(error => this.#options.log.error('routes of the cluster could not be taken in', { error }))
    })
  }

  async #pass(): Promise<void> {
    // A route that names a Service which has not been seen yet would be taken for one that names none.
    if (this.#stop.signal.aborted || this.#unseen.has('Service')) return
    const { registry, mesh, zone, log } = this.#options
    if (!registry.get({ kind: 'Mesh', mesh: '', name: mesh })) return
    const changes: RegistryChange[] = []
    const wanted = new Set<string>()
    const verdicts: [RouteFacts, readonly ParentVerdict[]][] = []
    for (const route of this.#routes.values()) {
      const { draft, parents } = draftOf(route, { mesh, zone }, this.#find)
      if (parents.length > 0 || route.parents.length > 0) verdicts.push([route, parents])
      if (!draft) continue
      wanted.add(draft.name)
      const there = registry.get({ kind: draft.kind, mesh, name: draft.name })
      if (there && there.labels[managedByLabel] !== managedByKubernetes) {
        log.warn('a route of the cluster has the name of a MeshHTTPRoute that somebody wrote', { route: route.key, name: draft.name })
        continue
      }
      changes.push({ kind: 'put', draft })
    }
    for (const { kind, name, labels, mesh: of } of registry.list('MeshHTTPRoute'))
      if (of === mesh && labels[managedByLabel] === managedByKubernetes && !wanted.has(name) && !this.#unseen.has(kindOfName(name)))
        changes.push({ kind: 'delete', key: { kind, mesh, name } })
    if (changes.length > 0) await registry.commit(changes)
    for (const [route, parents] of verdicts) await this.#tell(route, parents)
  }

  readonly #find: FindService = (namespace, name) => {
    const service = this.#services.get(`${namespace}/${name}`)
    return (
      service && {
        meshService: meshServiceNameOf(namespace, name, service.annotations['skerry.io/service'] ?? service.labels['skerry.io/service']),
        portName: port => {
          const found = service.ports.find(it => it.port === port)
          return found && (found.name || String(found.port))
        },
      }
    )
  }

  async #tell(route: RouteFacts, verdicts: readonly ParentVerdict[]): Promise<void> {
    const { client, clock, log } = this.#options
    const parents = parentsWithOurs(route, verdicts, `${new Date(clock.now()).toISOString().slice(0, 19)}Z`)
    if (parents === null || !this.#mayWriteStatus) return
    const resource = route.kind === 'HTTPRoute' ? 'httproutes' : 'grpcroutes'
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${route.namespace}/${resource}/${route.name}/status`
    try {
      // With the uid: one that was made anew under the name is another one.
      const body = { metadata: { uid: route.uid }, status: { parents } }
      await client.json({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json', signal: this.#stop.signal })
    } catch (error) {
      if (this.#stop.signal.aborted) return
      if (error instanceof ApiError && error.status === 403) {
        this.#mayWriteStatus = false
        log.info('the status of routes may not be written: it is left out', { error })
      } else log.warn('the status of a route could not be written', { route: route.key, error })
    }
  }
}

/** @returns without a draft: it is for no Service, or cannot be one of ours */
function draftOf(
  route: RouteFacts,
  { mesh, zone }: { readonly mesh: string; readonly zone: string },
  find: FindService,
): { readonly draft?: ResourceDraft; readonly parents: readonly ParentVerdict[] } {
  const translated = translateRoute(route, zone, find)
  const { parents } = translated
  if (translated.kind === 'left-out') return { parents }
  const labels = { [managedByLabel]: managedByKubernetes, [foundNamespaceLabel]: route.namespace }
  const name = `${route.name}.${route.namespace}.${route.kind.toLowerCase()}`
  const read = fromWire({ type: 'MeshHTTPRoute', mesh, name, labels, spec: translated.spec }, { strict: true })
  if (read.kind === 'invalid') {
    const message = read.violations.map(it => `${it.field}: ${it.reason}`).join('; ')
    return { parents: parents.map(it => ({ ...it, accepted: { status: false, reason: 'UnsupportedValue', message } })) }
  }
  const { draft } = read
  return { draft: { ...draft, labels: { ...draft.labels, ...computedLabels(draft, { mode: 'zone', zone }) } }, parents }
}

function isOf(what: string, object: ServiceFacts | RouteFacts): boolean {
  return 'kind' in object ? object.kind === what : what === 'Service'
}

function kindOfName(name: string): string {
  return name.endsWith('.grpcroute') ? 'GRPCRoute' : 'HTTPRoute'
}
