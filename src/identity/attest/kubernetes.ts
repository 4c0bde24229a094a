import { createHash } from 'node:crypto'
import type { DataplaneClaims } from '../token-claims.ts'
import type { RefusedToken } from '../tokens.ts'

/** What an API server says of a token. https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
export interface TokenReviewStatus {
  readonly authenticated?: boolean
  readonly error?: string
  readonly audiences?: readonly string[]
  readonly user?: {
    readonly username?: string
    readonly extra?: Readonly<Record<string, readonly string[]>>
  }
}

/** Who holds a token: a service account, in the pod that it was made for. */
export interface AttestedPod {
  readonly namespace: string
  readonly serviceAccount: string
  readonly name: string
  readonly uid: string
}

export type Attestation = { readonly kind: 'ok'; readonly pod: AttestedPod } | RefusedToken

/** Which pod a reviewed token was made for. Only tokens that are bound to a pod count: others outlive what they stand for. */
export function attestedPod(status: TokenReviewStatus, audience: string): Attestation {
  const refused = (reason: string): RefusedToken => ({
    kind: 'refused',
    code: 'SKERRY_TOKEN_INVALID',
    reason: `the cluster says: ${reason}`,
  })
  if (status.authenticated !== true) return refused(status.error || 'it does not know this token')
  if (!status.audiences?.includes(audience)) return refused(`this token is not for ${audience}: project one with that audience`)
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(status.user?.username ?? '')
  if (!account) return refused(`${status.user?.username ?? 'nobody'} is no service account`)
  const extra = (name: string) => status.user?.extra?.[`authentication.kubernetes.io/${name}`]?.[0] ?? ''
  const [name, uid] = [extra('pod-name'), extra('pod-uid')]
  if (name === '' || uid === '') return refused('this token is bound to no pod: let the pod have it projected')
  return { kind: 'ok', pod: { namespace: account[1]!, serviceAccount: account[2]!, name, uid } }
}

/**
 * What the proxy in a pod may register as: this one Dataplane, of this workload, in this namespace; as the zone's gateway with that service
 * account alone.
 *
 * @param gateway `NAMESPACE/SERVICEACCOUNT`
 */
export function claimsOf(
  pod: AttestedPod,
  labels: Readonly<Record<string, string>>,
  { mesh, gateway }: { readonly mesh: string; readonly gateway?: string | undefined },
): DataplaneClaims {
  const { namespace, serviceAccount, name } = pod
  return {
    mesh,
    workload: workloadOfPod({ namespace, serviceAccount, labels }),
    name: `${name}.${namespace}`,
    tags: { 'k8s.kuma.io/namespace': [namespace], 'k8s.kuma.io/service-account': [serviceAccount] },
    ...(gateway === `${namespace}/${serviceAccount}` ? { type: 'ingress' } : {}),
  }
}

/**
 * The workload that a pod is an instance of: what its label `skerry.io/service` says, else the app that it is labelled as, else its service
 * account; with its namespace, unless that is `default`. Who may make pods in a namespace decides for that namespace and for no other.
 */
export function workloadOfPod(pod: {
  readonly namespace: string
  readonly serviceAccount: string
  readonly labels: Readonly<Record<string, string>>
}): string {
  const { namespace, serviceAccount, labels } = pod
  const own = labels['skerry.io/service'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? serviceAccount
  const plain = own
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const name = namespace === 'default' ? plain : `${plain}-${namespace}`
  const label = /^[a-z]/.test(name) ? name : `w-${name}`
  if (label.length <= 63) return label
  // What is cut off must not make two of them one.
  const hash = createHash('sha256').update(label).digest('hex').slice(0, 8)
  return `${label.slice(0, 54).replace(/-+$/, '')}-${hash}`
}
