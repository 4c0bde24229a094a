import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallBudget } from './adapter.ts'

const current = new AsyncLocalStorage<{ calls: number }>()

/** The same budget; what is taken of it inside `countCalls` is counted there. */
export function countedBudget(budget: CallBudget): CallBudget {
  return {
    async take(limit, signal) {
      await budget.take(limit, signal)
      const counter = current.getStore()
      if (counter !== undefined) counter.calls++
    },
    throttled: (limit, retryAfterMs) => budget.throttled(limit, retryAfterMs),
  }
}

/** How many calls an action took of budgets, also where several run at once. */
export async function countCalls<T>(action: () => Promise<T>): Promise<{ readonly result: T; readonly calls: number }> {
  const counter = { calls: 0 }
  const result = await current.run(counter, action)
  return { result, calls: counter.calls }
}
