import Type from 'typebox'

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 }
const part = '([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h)'

const pattern = `^[-+]?(0|(${part})+)$`
const wholeDuration = new RegExp(pattern)
const durationParts = new RegExp(part, 'g')

/** A duration as Go writes it: `1h30m`, `1.5s`, `250ms`, `0`. https://pkg.go.dev/time#ParseDuration */
export const durationSchema = Type.String({ format: 'go-duration', pattern, mustBe: 'a duration like 250ms, 1.5s or 1h30m' })

/** Milliseconds (fractional below one), or null when the text is not a Go duration. */
export function parseDurationMs(text: string): number | null {
  if (!wholeDuration.test(text)) return null
  let ms = 0
  for (const [, number = '0', , unit = 's'] of text.matchAll(durationParts)) ms += Number.parseFloat(number) * (unitMs[unit] ?? 0)
  return text.startsWith('-') ? -ms || 0 : ms
}

/** Milliseconds of a text that a schema has accepted; throws on any other. */
export function durationMs(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === null) throw new RangeError(`${JSON.stringify(text)} is not a duration; write it like 250ms, 1.5s or 1h30m`)
  return ms
}

/** As Go's Duration.String prints it: `1m41s`, `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  const nanos = Math.round(ms * 1e6)
  if (nanos === 0) return '0s'
  if (nanos < 1000) return `${nanos}ns`
  if (nanos < 1e6) return `${nanos / 1e3}µs`
  if (nanos < 1e9) return `${nanos / 1e6}ms`
  const hours = Math.floor(nanos / 3.6e12)
  const minutes = Math.floor((nanos % 3.6e12) / 6e10)
  const seconds = (nanos % 6e10) / 1e9
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
