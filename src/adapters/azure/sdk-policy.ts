import type { ContainerServiceClientOptionalParams } from '@azure/arm-containerservice'
import type { CallBudget, CallLimit } from '../adapter.ts'
import { SourceCallError } from '../adapter.ts'
import { callName, refusal } from '../http/refusal.ts'
import { withinBudget } from '../http/within-budget.ts'

type Policies = NonNullable<ContainerServiceClientOptionalParams['additionalPolicies']>

/** A call that takes longer is given up. ms */
const TIMEOUT_MS = 30_000

interface Options {
  readonly budget: CallBudget
  readonly limit: CallLimit
  readonly ca: string | undefined
  /** What ends calls that have no signal of their own: the library gives it to the first page of a list alone. */
  readonly signal: () => AbortSignal
}

/** What makes Azure's own library call as everything here does: within the budget, in time, trusting our CA, with our errors. */
export function sdkPolicies({ budget, limit, ca, signal }: Options): Policies {
  // The library keeps one agent, and so its connections, for each object.
  const tlsSettings = ca === undefined ? undefined : { ca }
  return [
    {
      position: 'perRetry',
      policy: {
        name: 'skerry',
        sendRequest(request, next) {
          const call = { method: request.method, url: request.url }
          const until = (request.abortSignal as AbortSignal | undefined) ?? signal()
          request.abortSignal = until
          request.timeout = TIMEOUT_MS
          if (tlsSettings) request.tlsSettings = tlsSettings
          return withinBudget(budget, limit, until, async () => {
            const response = await next(request).catch(cause => {
              if (cause instanceof SourceCallError) throw cause
              throw new SourceCallError('unreachable', `${callName(call)}: ${(cause as Error).message}`, { cause })
            })
            if (response.status >= 400) throw refusal(call, response.status, name => response.headers.get(name), response.bodyAsText ?? '')
            return response
          })
        },
      },
    },
  ]
}
