import type { MessageInitShape } from '@bufbuild/protobuf'
import { HeaderValueOption_HeaderAppendAction as AppendAction, type HeaderValueOptionSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import type { HeaderChanges } from '../policy/plan.ts'

/** What a proxy says when it could not hand a request to the application; only proxies may say it, and only to each other. */
export const refusedHeader = 'x-skerry-refused'

type HeaderToAdd = MessageInitShape<typeof HeaderValueOptionSchema>

export function requestHeaders(changes: HeaderChanges): { requestHeadersToAdd: HeaderToAdd[]; requestHeadersToRemove: string[] } {
  return { requestHeadersToAdd: toAdd(changes), requestHeadersToRemove: [...changes.remove] }
}

export function responseHeaders(changes: HeaderChanges): { responseHeadersToAdd: HeaderToAdd[]; responseHeadersToRemove: string[] } {
  return { responseHeadersToAdd: toAdd(changes), responseHeadersToRemove: [...changes.remove] }
}

function toAdd({ set, add }: HeaderChanges): HeaderToAdd[] {
  return [
    ...set.map(header => ({ header: literal(header), appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD })),
    ...add.map(header => ({ header: literal(header), appendAction: AppendAction.APPEND_IF_EXISTS_OR_ADD })),
  ]
}

/** A per cent sign begins a substitution in Envoy's header values.
 *  https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#command-operators */
function literal({ name, value }: { readonly name: string; readonly value: string }): { key: string; value: string } {
  return { key: name, value: value.replaceAll('%', '%%') }
}
