import { kumaDpBootstrap } from '../../envoy/kuma-dp-bootstrap.ts'
import type { TokenAuthority } from '../../identity/token-authority.ts'
import { type Dataplane, workloadOf } from '../../model/kinds/dataplane.ts'
import type { Registry } from '../../registry/registry.ts'
import { admitKumaDataplane } from './admit-dataplane.ts'

/** What an answer to `POST /bootstrap` is made of. */
export interface BootstrapParts {
  readonly registry: Registry
  readonly tokens: TokenAuthority
  readonly zone: string
  readonly isAllowed: boolean
  readonly caPem: string
  readonly serverName: string
}

export interface BootstrapAnswer {
  readonly status: number
  readonly body: object
}

/** https://github.com/kumahq/kuma/blob/master/pkg/xds/bootstrap/types/bootstrap_request.go */
interface BootstrapRequest {
  readonly mesh?: string
  readonly name?: string
  readonly proxyType?: string
  readonly dataplaneToken?: string
  readonly dataplaneResource?: string
  readonly workdir?: string
  readonly version?: { readonly kumaDp?: { readonly version?: string } }
}

/**
 * What kuma-dp is to start its Envoy with. Nothing is written yet: the Dataplane is registered by the first stream, which may come long after, or
 * never. `reachedBy`: the address that kuma-dp has dialled.
 */
export async function answerBootstrap(
  parts: BootstrapParts,
  body: string,
  reachedBy: { host: string; port: number },
): Promise<BootstrapAnswer> {
  const { registry, tokens, zone } = parts
  if (!parts.isAllowed) return refusal(403, notAllowed.code, `${notAllowed.reason}: ${notAllowed.fix}`)
  const request = parse(body)
  if (request === null) return refusal(400, 'SKERRY_BAD_REQUEST', 'the body is no bootstrap request of kuma-dp')
  if (request.proxyType !== undefined && request.proxyType !== '' && request.proxyType !== 'dataplane')
    return refusal(422, 'SKERRY_KUMA_DP_ROLE', `a proxy of type ${request.proxyType} runs as \`skerry proxy run --role zone-gateway\``)
  const verdict = await tokens.verify(request.dataplaneToken ?? '', 'dataplane')
  if (verdict.kind === 'refused') return refusal(401, verdict.code, verdict.reason)

  const admitted = admitKumaDataplane(request, verdict.claims, { zone, registry })
  if (admitted.kind === 'refused')
    return refusal(422, admitted.code, admitted.fix ? `${admitted.reason}: ${admitted.fix}` : admitted.reason)
  const { draft } = admitted
  const bootstrap = kumaDpBootstrap({
    mesh: draft.mesh,
    name: draft.name,
    service: workloadOf(draft),
    zone: reachedBy,
    serverName: parts.serverName,
    caPem: parts.caPem,
    token: request.dataplaneToken ?? '',
    dataplane: request.dataplaneResource ?? '',
    kumaDpVersion: request.version?.kumaDp?.version ?? 'unknown',
    workDirectory: request.workdir ?? '/tmp',
  })
  return {
    status: 200,
    body: {
      bootstrap: Buffer.from(JSON.stringify(bootstrap)).toString('base64'),
      kumaSidecarConfiguration: {
        networking: { address: (draft as Pick<Dataplane, 'spec'>).spec.networking.address },
        metrics: { aggregate: null },
      },
    },
  }
}

/** Why a kuma-dp is not let in unless somebody wants it. */
export const notAllowed = {
  code: 'SKERRY_KUMA_DP_NOT_ALLOWED',
  reason: 'kuma-dp cannot make its own key: the zone would have to make it, and this zone does not',
  fix: 'run `skerry proxy run --engine envoy` in its place, or start the zone with --allow-kuma-dp',
} as const

function refusal(status: number, code: string, detail: string): BootstrapAnswer {
  return { status, body: { status, title: code, detail } }
}

function parse(body: string): BootstrapRequest | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null
  }
}
