/** What global knows of a zone's connection at this moment; dies with the process. */
export interface ZoneLink {
  readonly zone: string
  readonly connected: boolean
  /** Unix ms: since when it is connected, or not. */
  readonly since: number
  /** Unix ms of its last heartbeat; 0 = none yet. */
  readonly lastHeard: number
  /** The zone control plane's process. */
  readonly instance: string
  readonly version: string
  /** Of the zone's registry, as its last heartbeat said. */
  readonly revision: number
  /** Global's revision with the newest change that this zone is owed … */
  readonly owedRevision: number
  /** … and the newest at which it was known to hold all that it was owed. */
  readonly heldRevision: number
  /** Kinds of which the zone's last heartbeat did not yet tell all that it is owed. */
  readonly behind: readonly string[]
  /** Kind → how many global has from this zone. */
  readonly resources: Readonly<Record<string, number>>
  /** What global did not accept from the zone. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
  /** Why it is not connected, or what the zone did not accept from global. */
  readonly lastError: string | undefined
  /** What the zone says of itself, for people: JSON, or ''. */
  readonly state: string
}
