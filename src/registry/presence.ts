/**
 * What each of several processes on one store says of itself to the others, for as long as it lives: live facts that more than one
 * process needs. It is no part of the registry: nothing of it has a revision, and what a process said goes with the process.
 */
export interface Presence {
  /** Says `value` under `name` from now on; undefined: no longer. Several in a row go out as one. Not for what changes many times a second. */
  say(name: string, value: string | undefined): void
  /** Told of what the others say and no longer say, from now on. One listener; what is said already comes to it soon. */
  follow(listener: PresenceListener): void
  /** The others learn at once that nothing of it holds. */
  close(): Promise<void>
}

/** `process` is the name it joined by; `value` is undefined when it does not say so any more. */
export type PresenceListener = (process: string, name: string, value: string | undefined) => void

/** In a store that one process has to itself nobody listens, and nobody speaks. */
export const alone: Presence = {
  say: () => {},
  follow: () => {},
  close: async () => {},
}
