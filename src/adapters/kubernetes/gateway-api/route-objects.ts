import { factsOf, type ObjectFacts, type RawObject } from '../object-facts.ts'

/** HTTPRoute and GRPCRoute, as far as they are read. https://gateway-api.sigs.k8s.io/reference/spec/ */

export interface RouteFacts extends ObjectFacts {
  readonly kind: 'HTTPRoute' | 'GRPCRoute'
  readonly namespace: string
  readonly name: string
  readonly generation: number
  readonly spec: RouteSpec
  /** As they stand in the cluster, ours and those of others. */
  readonly parents: readonly ParentStatus[]
}

export interface RouteSpec {
  readonly parentRefs?: readonly ParentRef[]
  readonly rules?: readonly RawRule[]
}

export interface ParentRef {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly port?: number
  readonly sectionName?: string
}

export interface RawRule {
  readonly matches?: readonly RawMatch[]
  readonly filters?: readonly RawFilter[]
  readonly backendRefs?: readonly RawBackendRef[]
  readonly timeouts?: object
  readonly retry?: object
  readonly sessionPersistence?: object
}

export interface RawMatch {
  readonly path?: { readonly type?: string; readonly value?: string }
  /** GRPCRoute: an object; HTTPRoute: a text. */
  readonly method?: string | { readonly type?: string; readonly service?: string; readonly method?: string }
  readonly headers?: readonly { readonly type?: string; readonly name: string; readonly value: string }[]
  readonly queryParams?: readonly { readonly type?: string; readonly name: string; readonly value: string }[]
}

export interface RawFilter {
  readonly type: string
  readonly requestHeaderModifier?: RawModifier
  readonly responseHeaderModifier?: RawModifier
  readonly requestRedirect?: {
    readonly scheme?: string
    readonly hostname?: string
    readonly path?: RawPath
    readonly port?: number
    readonly statusCode?: number
  }
  readonly urlRewrite?: { readonly hostname?: string; readonly path?: RawPath }
  readonly requestMirror?: {
    readonly backendRef: RawBackendRef
    readonly percent?: number
    readonly fraction?: { readonly numerator: number; readonly denominator?: number }
  }
}

export interface RawModifier {
  readonly set?: readonly { readonly name: string; readonly value: string }[]
  readonly add?: readonly { readonly name: string; readonly value: string }[]
  readonly remove?: readonly string[]
}

export interface RawPath {
  readonly type?: string
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

export interface RawBackendRef {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly port?: number
  readonly weight?: number
  readonly filters?: readonly RawFilter[]
}

export interface ParentStatus {
  readonly parentRef: ParentRef
  readonly controllerName: string
  readonly conditions?: readonly Condition[]
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly observedGeneration?: number
  readonly lastTransitionTime?: string
}

export function routeFacts(
  kind: RouteFacts['kind'],
  raw: RawObject & { readonly spec?: RouteSpec; readonly status?: { readonly parents?: readonly ParentStatus[] } },
): RouteFacts {
  return { ...factsOf(raw), kind, generation: raw.metadata?.generation ?? 0, spec: raw.spec ?? {}, parents: raw.status?.parents ?? [] }
}
