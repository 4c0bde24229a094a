import { type Address, formatAddress } from '../std/option-value.ts'
import type { OptionSpec } from '../std/options.ts'

const MASK = '*****'

/** A program's settings as `GET /config` shows them: nested as in its file, addresses as HOST:PORT, durations as text, and no secrets. */
export function describeConfig(specs: readonly OptionSpec[], values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const config: Record<string, unknown> = {}
  for (const spec of specs) {
    const value = values[spec.key]
    if (value !== undefined) put(config, spec.key.split('.'), spec.secret ? MASK : shown(spec, value))
  }
  return config
}

function shown(spec: OptionSpec, value: unknown): unknown {
  if (spec.value === 'address') return formatAddress(value as Address)
  if (spec.value === 'duration') return `${Number(value) / 1000}s`
  if (Array.isArray(value)) return value.map(item => (typeof item === 'string' ? withoutPassword(item) : item))
  return typeof value === 'string' ? withoutPassword(value) : value
}

/** A URL may carry a name and a password. */
function withoutPassword(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/i, `$1${MASK}@`)
}

/** A key that is also the beginning of another (`store` and `store.urls`) becomes that other's `self`. */
function put(config: Record<string, unknown>, [key, ...rest]: readonly string[], value: unknown): void {
  if (key === undefined) return
  const there = config[key]
  const isGroup = typeof there === 'object' && there !== null && !Array.isArray(there)
  if (rest.length === 0) {
    if (isGroup) (there as Record<string, unknown>).self = value
    else config[key] = value
    return
  }
  const group = isGroup ? (there as Record<string, unknown>) : there === undefined ? {} : { self: there }
  config[key] = group
  put(group, rest, value)
}
