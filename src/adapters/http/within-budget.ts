import { type CallBudget, type CallLimit, SourceCallError } from '../adapter.ts'

/** A page deep in a listing is worth some waiting: giving up costs all pages before it. */
const ATTEMPTS = 3

/** Makes a call when the budget allows it, and again when the platform said that it came too soon. */
export async function withinBudget<T>(budget: CallBudget, limit: CallLimit, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    await budget.take(limit, signal)
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof SourceCallError) || error.what !== 'throttled') throw error
      budget.throttled(limit, error.retryAfterMs)
      if (attempt === ATTEMPTS) throw error
    }
  }
}
