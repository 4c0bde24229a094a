import type { Clock } from '../../std/clock.ts'

/** A token that is made when it is needed: again after `freshForMs`, and at once when the server has refused the one in use. */
export function freshToken(make: () => Promise<string>, freshForMs: number, clock: Clock): (refused?: string) => Promise<string> {
  let current: { readonly token: Promise<string>; readonly madeAt: number } | null = null
  return async refused => {
    const isOver =
      current === null || clock.monotonic() - current.madeAt >= freshForMs || (refused !== undefined && refused === (await current.token))
    if (isOver || current === null) {
      const token = make()
      current = { token, madeAt: clock.monotonic() }
      // One that could not be made is not kept: the next to ask tries again.
      token.catch(() => {
        if (current?.token === token) current = null
      })
    }
    return current.token
  }
}
