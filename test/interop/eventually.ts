import { setTimeout as delay } from 'node:timers/promises'

const withinMs = 60_000

/** What a check comes to when it passes; it is tried again and again until then. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + withinMs
  while (true) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(100)
    }
  }
}
