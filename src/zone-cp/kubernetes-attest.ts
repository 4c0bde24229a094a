import { createHash } from 'node:crypto'
import { type ApiClient, ApiError } from '../adapters/kubernetes/api-client.ts'
import { attestedPod, claimsOf, type TokenReviewStatus } from '../identity/attest/kubernetes.ts'
import type { AttestToken } from '../identity/token-authority.ts'
import type { RefusedToken } from '../identity/tokens.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { tokenAudience } from './kubernetes-webhook/patch.ts'

/** A proxy opens two streams one after the other; a pod that was deleted must not come in for much longer than that. ms */
const believedForMs = 10_000
const answerWithinMs = 10_000
const mostKept = 10_000

/** Asks the cluster whose token it is: the pod that holds it may register as what its labels and its service account say. */
export function kubernetesAttestor(options: {
  client: ApiClient
  mesh: string
  /** `NAMESPACE/SERVICEACCOUNT` of the zone's gateways. */
  gateway: string | undefined
  clock: Clock
  log: Log
}): AttestToken {
  const { client, mesh, gateway, clock, log } = options
  const kept = new Map<string, { readonly until: number; readonly verdict: ReturnType<AttestToken> }>()
  const ask: AttestToken = async token => {
    const signal = AbortSignal.timeout(answerWithinMs)
    try {
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [tokenAudience] } }
      const path = '/apis/authentication.k8s.io/v1/tokenreviews'
      const { status } = await client.json<{ status: TokenReviewStatus }>({ method: 'POST', path, body, signal })
      const attested = attestedPod(status, tokenAudience)
      if (attested.kind === 'refused') return attested
      const { pod } = attested
      const at = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}`
      const { metadata } = await client.json<{ metadata?: { uid?: string; labels?: Record<string, string> } }>({ path: at, signal })
      if (metadata?.uid !== pod.uid) return refused(`the pod ${pod.name} that this token was made for is gone`)
      return {
        kind: 'ok',
        claims: claimsOf(pod, metadata.labels ?? {}, { mesh, gateway }),
        subject: `pod/${pod.namespace}/${pod.name}`,
        id: pod.uid,
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return refused('the pod that this token was made for is gone')
      log.warn('a token could not be reviewed', { error })
      return refused(`the cluster could not be asked: ${(error as Error).message}`)
    }
  }
  return token => {
    const now = clock.monotonic()
    const key = createHash('sha256').update(token).digest('base64')
    const known = kept.get(key)
    if (known && known.until > now) return known.verdict
    for (const [old, { until }] of kept) if (until <= now || kept.size > mostKept) kept.delete(old)
    const verdict = ask(token)
    kept.set(key, { until: now + believedForMs, verdict })
    // No refusal is kept: the cluster may not have heard of the pod yet.
    void verdict.then(({ kind }) => kind === 'refused' && kept.delete(key))
    return verdict
  }
}

function refused(reason: string): RefusedToken {
  return { kind: 'refused', code: 'SKERRY_TOKEN_INVALID', reason }
}
