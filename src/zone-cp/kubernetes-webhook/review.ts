import { type InjectablePod, injectionOf, type SidecarSettings } from './patch.ts'

/** An answer to the API server, as the request's object that it is. https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ */
export interface AdmissionAnswer {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: {
    readonly uid: string
    readonly allowed: true
    readonly patchType?: 'JSONPatch'
    /** Base64. */
    readonly patch?: string
    readonly warnings?: readonly string[]
  }
}

/** A pod is never refused: one without a proxy is a lesser harm than one that cannot start. null: this is no AdmissionReview of v1. */
export function answerReview(review: unknown, settings: SidecarSettings): AdmissionAnswer | null {
  const { apiVersion, kind, request } = (review ?? {}) as Record<string, unknown>
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview' || typeof request !== 'object' || request === null) return null
  const { uid, operation, object, namespace } = request as Record<string, unknown>
  if (typeof uid !== 'string' || uid === '') return null
  const answer = (response: object): AdmissionAnswer => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...response },
  })
  const isPod = (object as { kind?: unknown } | null)?.kind === 'Pod'
  if (operation !== 'CREATE' || !isPod || typeof namespace !== 'string') return answer({})
  const injection = injectionOf(object as InjectablePod, namespace, settings)
  if (injection.kind === 'skip') return answer(injection.warning ? { warnings: [`skerry: ${injection.reason}`] } : {})
  return answer({ patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(injection.patch)).toString('base64') })
}
