import { readFile } from 'node:fs/promises'
import { ApiClient, ApiError } from '../adapters/kubernetes/api-client.ts'
import { connectionOf } from '../adapters/kubernetes/kube-config.ts'
import type { ControlPlaneIdentity } from '../identity/control-plane-identity.ts'
import type { Registry } from '../registry/registry.ts'
import { Backoff } from '../std/backoff.ts'
import { type Clock, sleep } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { type Address, parseOptionValue } from '../std/option-value.ts'
import type { OptionValues } from '../std/options.ts'
import { systemRandom } from '../std/random.ts'
import { kubernetesAttestor } from './kubernetes-attest.ts'
import type { kubernetesOptions } from './kubernetes-options.ts'
import { KubernetesRoutes } from './kubernetes-routes.ts'
import { KubernetesWebhook } from './kubernetes-webhook/server.ts'

export type KubernetesConfig = OptionValues<typeof kubernetesOptions>

export interface KubernetesDeps {
  readonly identity: ControlPlaneIdentity
  readonly registry: Registry
  readonly zone: string
  /** Where the zone's `--xds` listens. */
  readonly xds: Address
  readonly clock: Clock
  readonly log: Log
}

/** What this zone does for the cluster that it is in: sidecars, attestation, routes, and its CA where pods can read it. */
export interface ZoneKubernetes extends AsyncDisposable {
  readonly webhook: Address | null
}

/** The host names that this control plane has in its cluster, for its certificate. */
export function kubernetesNames({ kubernetesService }: Pick<KubernetesConfig, 'kubernetesService'>): string[] {
  const host = kubernetesService?.split(':')[0]
  return host === undefined ? [] : [host, `${host}.cluster.local`]
}

/** null: it is in none, as far as its settings go. */
export async function startKubernetes(
  config: KubernetesConfig,
  { identity, registry, zone, xds, clock, log }: KubernetesDeps,
): Promise<ZoneKubernetes | null> {
  const { kubernetesAttest, kubernetesPublish, kubernetesRoutes, kubernetesWebhook } = config
  if (!kubernetesAttest && !kubernetesRoutes && kubernetesPublish === undefined && kubernetesWebhook === undefined) return null
  await using opening = new AsyncDisposableStack()
  if (kubernetesAttest || kubernetesRoutes || kubernetesPublish !== undefined) {
    const client = opening.use(await clientOf(config, { clock, log }))
    if (kubernetesAttest)
      identity.tokens.attestWith(kubernetesAttestor({ client, mesh: config.kubernetesMesh, gateway: config.kubernetesGateway, clock, log }))
    if (kubernetesRoutes) opening.use(new KubernetesRoutes({ client, registry, zone, mesh: config.kubernetesMesh, clock, log }))
    if (kubernetesPublish !== undefined) {
      const stop = new AbortController()
      const publishing = publish(
        client,
        kubernetesPublish,
        { caPem: identity.caPem, expectsWebhooks: kubernetesWebhook !== undefined },
        { clock, log },
        stop.signal,
      )
      opening.defer(async () => {
        stop.abort()
        await publishing
      })
    }
  }
  let webhook: KubernetesWebhook | null = null
  if (kubernetesWebhook !== undefined) {
    const settings = {
      image: config.kubernetesImage,
      cp: cpOf(config.kubernetesService, xds),
      caPem: identity.caPem,
      mesh: config.kubernetesMesh,
    }
    const started = opening.use(await KubernetesWebhook.start({ address: kubernetesWebhook, certificate: identity.server, settings, log }))
    opening.defer(identity.onRenew(server => started.setCertificate(server)))
    webhook = started
  }
  const closing = opening.move()
  return { webhook: webhook?.address ?? null, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

function cpOf(service: string | undefined, xds: Address): string {
  if (service === undefined) return `${xds.host}:${xds.port}`
  return parseOptionValue('address', service).kind === 'ok' ? service : `${service}:${xds.port}`
}

async function clientOf({ kubernetesConfig }: KubernetesConfig, { clock, log }: Pick<KubernetesDeps, 'clock' | 'log'>): Promise<ApiClient> {
  const credentials = { type: 'Reference', reference: { type: 'File', file: { path: kubernetesConfig ?? '' } } } as const
  const source = {
    mesh: '',
    name: 'zone',
    spec: { type: 'Kubernetes' as const, ...(kubernetesConfig === undefined ? {} : { credentials }) },
  }
  const budget = { take: async () => {}, throttled: () => {} }
  const connection = await connectionOf(source, {
    secret: () => readFile(kubernetesConfig ?? ''),
    budget,
    clock,
    random: systemRandom,
    log,
  })
  return new ApiClient({ connection, budget, clock })
}

/** Writes the CA to where the cluster looks for it, and once more after a while: somebody else may have overwritten it. Never rejects. */
async function publish(
  client: ApiClient,
  place: string,
  { caPem, expectsWebhooks }: { readonly caPem: string; readonly expectsWebhooks: boolean },
  { clock, log }: Pick<KubernetesDeps, 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const [namespace = '', name = ''] = place.split('/')
  const backoff = new Backoff({ baseMs: 1000, maxMs: 30_000, random: systemRandom })
  while (!signal.aborted) {
    let waitMs = againAfterMs
    try {
      await applyConfigMap(client, namespace, name, caPem, signal)
      // What is installed together with this may be there a moment later.
      if (!(await patchWebhooks(client, name, caPem, signal)) && expectsWebhooks) waitMs = soonMs
      backoff.reset()
    } catch (error) {
      if (signal.aborted) return
      waitMs = 1000 + backoff.nextMs()
      log.warn('the CA could not be published in the cluster', { place, error, retryInMs: waitMs })
    }
    await sleep(clock, waitMs, signal)
  }
}

const againAfterMs = 60_000
const soonMs = 2000

async function applyConfigMap(client: ApiClient, namespace: string, name: string, caPem: string, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}?fieldManager=skerry&force=true`
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { 'ca.crt': caPem } }
  await client.json({ method: 'PATCH', path, body, contentType: 'application/apply-patch+yaml', signal })
}

/** The configuration is the chart's; what only we know of it is by whom the server's certificate is signed. false: there is none. */
async function patchWebhooks(client: ApiClient, name: string, caPem: string, signal: AbortSignal): Promise<boolean> {
  const path = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${encodeURIComponent(name)}`
  const caBundle = Buffer.from(caPem).toString('base64')
  try {
    const there = await client.json<{ webhooks?: { name: string; clientConfig: { caBundle?: string } }[] }>({ path, signal })
    if ((there.webhooks ?? []).every(it => it.clientConfig.caBundle === caBundle)) return true
    const webhooks = (there.webhooks ?? []).map(it => ({ name: it.name, clientConfig: { caBundle } }))
    await client.json({ method: 'PATCH', path, body: { webhooks }, contentType: 'application/strategic-merge-patch+json', signal })
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false
    throw error
  }
}
