import type { Clock } from '../std/clock.ts'
import { SourceCallError } from './adapter.ts'

/** Does something that must end in time, or when the signal is aborted: nobody waits for it longer, whether or not it listens to its signal. */
export async function withinTime<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  action: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const timer = clock.setTimeout(() => late.abort(new SourceCallError('unreachable', `no end of it after ${ms / 1000} s`)), ms)
  const limited = AbortSignal.any([signal, late.signal])
  let giveUp = () => {}
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = () => reject(limited.reason)
    limited.addEventListener('abort', giveUp, { once: true })
  })
  try {
    return await Promise.race([action(limited), givenUp])
  } finally {
    timer.cancel()
    limited.removeEventListener('abort', giveUp)
  }
}
