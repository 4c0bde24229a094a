import type { Source } from '../schema/zone.ts'
import { sourceStates } from '../schema/zone.ts'

/** What global knows of a zone's connection at this moment. Times are Unix ms. */
export interface ZoneLink {
  readonly zone: string
  readonly connected: boolean
  /** Since when it is connected, or not. */
  readonly since: number
  /** 0 = no heartbeat yet. */
  readonly lastHeard: number
  readonly instance: string
  readonly version: string
  /** Of the zone's registry. */
  readonly revision: number
  readonly owedRevision: number
  readonly heldRevision: number
  readonly behind: readonly string[]
  readonly resources: Readonly<Record<string, number>>
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
  readonly lastError: string | undefined
  /** What the zone says of itself: JSON, or ''. */
  readonly state: string
}

/** What a zone knows of its connection to global. Times are Unix ms. */
export interface GlobalLinkFacts {
  readonly url: string
  readonly connected: boolean
  readonly since: number
  /** 0 = no heartbeat yet. */
  readonly lastHeard: number
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
  readonly lastError: string | undefined
}

/** The discovery sources that a zone tells of in its heartbeats; what is no such list is none. */
export function readSources(state: string): Source[] {
  let said: unknown
  try {
    said = (JSON.parse(state) as { readonly sources?: unknown } | null)?.sources
  } catch {
    return []
  }
  return Array.isArray(said) ? said.flatMap(readSource) : []
}

function readSource(said: unknown): Source[] {
  const { name, type, state, objects, held, error } = (said ?? {}) as Readonly<Record<string, unknown>>
  const known = sourceStates.find(candidate => candidate === state)
  if (typeof name !== 'string' || known === undefined) return []
  return [
    {
      name,
      type: typeof type === 'string' ? type : '',
      state: known,
      objects: numberOf(objects),
      held: numberOf(held),
      error: typeof error === 'string' ? error : null,
    },
  ]
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0
}
