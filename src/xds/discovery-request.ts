import { fromBinary } from '@bufbuild/protobuf'
import type { Node } from '../gen/envoy/config/core/v3/base_pb.js'
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js'

/** The two ways to ask: what changed only, or each time all. */
export type Variant = 'delta' | 'sotw'

export interface DeltaRequest {
  readonly typeUrl: string
  /** `*` stands for everything. */
  readonly subscribe: readonly string[]
  readonly unsubscribe: readonly string[]
  /** What the client holds from before, name → version. In the first request of a type only. */
  readonly initialVersions: Readonly<Record<string, string>>
  /** Of the response that this answers; '' = it answers none. */
  readonly nonce: string
  /** Present = the response is refused. */
  readonly error?: string
}

export interface SotwRequest {
  readonly typeUrl: string
  /** All that the client wants from now on. */
  readonly names: readonly string[]
  readonly nonce: string
  readonly error?: string
}

export type DiscoveryRequest = ({ readonly variant: 'delta' } & DeltaRequest) | ({ readonly variant: 'sotw' } & SotwRequest)

/** @throws when the bytes are no such message */
export function readRequest(variant: Variant, bytes: Uint8Array): { readonly request: DiscoveryRequest; readonly node: Node | undefined } {
  if (variant === 'delta') {
    const message = fromBinary(DeltaDiscoveryRequestSchema, bytes)
    const request = {
      variant,
      typeUrl: message.typeUrl,
      subscribe: message.resourceNamesSubscribe,
      unsubscribe: message.resourceNamesUnsubscribe,
      initialVersions: message.initialResourceVersions,
      nonce: message.responseNonce,
      ...(message.errorDetail && { error: message.errorDetail.message }),
    }
    return { request, node: message.node }
  }
  const message = fromBinary(DiscoveryRequestSchema, bytes)
  const request = {
    variant,
    typeUrl: message.typeUrl,
    names: message.resourceNames,
    nonce: message.responseNonce,
    ...(message.errorDetail && { error: message.errorDetail.message }),
  }
  return { request, node: message.node }
}
