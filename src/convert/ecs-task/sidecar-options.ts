export interface SidecarOptions {
  /** HOST:PORT of the zone's control plane. */
  readonly cp: string
  /** ARN in Secrets Manager or the Parameter Store, or the name of a parameter. */
  readonly tokenSecret: string
  readonly image: string
  /** Absent = the family of the task definition. */
  readonly service?: string | undefined
  /** Absent = the token's. */
  readonly mesh?: string | undefined
  /** Of 1024 for a processor. */
  readonly cpu: number
  /** MiB */
  readonly memory: number
  /** `[KIND/]NAME=[ADDRESS:]PORT`, as `skerry proxy run` takes them. */
  readonly outbounds: readonly string[]
}

export interface Problem {
  /** As `containerDefinitions[0].portMappings`. */
  readonly field: string
  readonly reason: string
}

export interface Addition {
  readonly field: string
  /** What was put there, and what for. */
  readonly what: string
}
