import { durationMs } from '../model/duration.ts'
import type { TimeoutConf } from '../model/kinds/mesh-timeout.ts'
import { perConf, type Setting } from './settings.ts'

/** ms; 0 = no limit. */
export interface TimeoutPlan {
  readonly connection: ConnectionTimeouts
  readonly request: RequestTimeouts
}

export interface ConnectionTimeouts {
  /** Until a TCP connection, with its TLS, stands. Never 0. */
  readonly connectMs: number
  /** A connection that carries nothing. */
  readonly idleMs: number
  /** A connection of that age takes no more requests. */
  readonly maxAgeMs: number
}

export interface RequestTimeouts {
  /** The whole request, tries included. */
  readonly totalMs: number
  /** A request that carries nothing, in neither direction. */
  readonly idleMs: number
  /** A request and its answer, streaming included. */
  readonly maxStreamMs: number
  /** Until the head of a request has come. */
  readonly headMs: number
}

/** https://kuma.io/docs/latest/policies/meshtimeout/ */
export const planTimeouts = perConf(
  ({ connectionTimeout, idleTimeout, http = {} }: TimeoutConf): TimeoutPlan => ({
    connection: {
      connectMs: ms(connectionTimeout) || fallbackConnectMs,
      idleMs: ms(idleTimeout),
      maxAgeMs: ms(http.maxConnectionDuration),
    },
    request: {
      totalMs: ms(http.requestTimeout),
      idleMs: ms(http.streamIdleTimeout),
      maxStreamMs: ms(http.maxStreamDuration),
      headMs: ms(http.requestHeadersTimeout),
    },
  }),
)

/** Settings that are of connections, and settings that are of requests. */
export const connectionSettings = perConf((settings: readonly Setting[]) => settings.filter(({ path }) => !requestPaths.has(path)))
export const requestSettings = perConf((settings: readonly Setting[]) => settings.filter(({ path }) => requestPaths.has(path)))

const requestPaths: ReadonlySet<string> = new Set(
  ['requestTimeout', 'streamIdleTimeout', 'maxStreamDuration', 'requestHeadersTimeout'].map(name => `http.${name}`),
)

/** A policy that deletes the setting leaves no limit that could hold. */
const fallbackConnectMs = 2000

function ms(duration: string | undefined): number {
  return duration === undefined ? 0 : Math.max(0, durationMs(duration))
}
