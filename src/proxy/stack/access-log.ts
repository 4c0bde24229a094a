export interface TryRecord {
  readonly host: string
  readonly zone: string
  /** A status, or why there was none. */
  readonly outcome: string
}

/** One finished request or TCP connection. */
export interface AccessRecord {
  /** Unix ms when it began. */
  readonly timeMs: number
  readonly listener: string
  readonly peer: string
  readonly method: string
  readonly host: string
  readonly path: string
  /** 0: the client went away, or the answer was cut off. */
  readonly status: number
  /** Of the response body. */
  readonly bytes: number
  readonly durationMs: number
  readonly route: string
  readonly cluster: string
  /** The last one is the one whose answer went to the client. */
  readonly tries: readonly TryRecord[]
}

/** One JSON line. */
export function formatAccessRecord(record: AccessRecord): string {
  const { timeMs, durationMs, tries, ...rest } = record
  const last = tries.at(-1)
  return JSON.stringify({
    time: new Date(timeMs).toISOString(),
    ...rest,
    durationMs: Math.round(durationMs * 1000) / 1000,
    upstream: last?.host ?? '',
    zone: last?.zone ?? '',
    tries,
  })
}
