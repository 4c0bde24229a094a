/** What an option's text may be, and what it becomes. */
export type OptionKind = 'string' | 'number' | 'boolean' | 'duration' | 'address' | 'list'

/** Where to listen or connect. Port 0 = any free one. */
export interface Address {
  readonly host: string
  readonly port: number
}

export interface OptionTypes {
  string: string
  /** A whole number, 0 or more. */
  number: number
  boolean: boolean
  /** Milliseconds; written as `250ms`, `5s`, `1m30s`, `24h`. */
  duration: number
  /** Written as `127.0.0.1:5681` or `[::1]:5681`. */
  address: Address
  /** A flag given several times, a comma-separated variable, a YAML list. */
  list: readonly string[]
}

export type Parsed<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly wanted: string }

/** Reads what stands in a flag or variable (text), or in a config file (whatever YAML made of it). */
export function parseOptionValue(kind: OptionKind, raw: unknown): Parsed<OptionTypes[OptionKind]> {
  if (kind === 'list') return parseList(raw)
  if (kind === 'boolean') return parseBoolean(raw)
  if (typeof raw !== 'string' && typeof raw !== 'number' && typeof raw !== 'boolean') return bad(wantedForm[kind])
  const text = String(raw)
  switch (kind) {
    case 'string':
      return text === '' ? bad('a text that is not empty') : ok(text)
    case 'number':
      return /^\d{1,15}$/.test(text) ? ok(Number(text)) : bad(wantedForm.number)
    case 'duration': {
      const ms = parseDurationMs(text)
      return ms === undefined ? bad(wantedForm.duration) : ok(ms)
    }
    case 'address':
      return parseAddress(text)
  }
}

export function formatAddress(address: Address): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
}

const wantedForm = {
  string: 'a text',
  number: 'a whole number such as 10',
  duration: 'a duration such as 250ms, 5s or 1m30s',
  address: 'HOST:PORT such as 127.0.0.1:0 (port 0 takes any free one)',
} as const

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) total += Number(amount) * UNIT_MS[unit!]!
  return total
}

function parseAddress(text: string): Parsed<Address> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) {
    if (/^:?\d{1,5}$/.test(text))
      return bad(
        `HOST:PORT: for this machine only 127.0.0.1:${text.replace(':', '')}, for every interface 0.0.0.0:${text.replace(':', '')}`,
      )
    return bad(wantedForm.address)
  }
  return ok({ host: (match[1] ?? match[2])!, port })
}

function parseBoolean(raw: unknown): Parsed<boolean> {
  if (raw === true || raw === 'true' || raw === '1' || raw === 'yes') return ok(true)
  if (raw === false || raw === 'false' || raw === '0' || raw === 'no') return ok(false)
  return bad('true or false')
}

function parseList(raw: unknown): Parsed<readonly string[]> {
  if (typeof raw === 'string') return ok(splitList(raw))
  if (!Array.isArray(raw) || raw.some(item => typeof item !== 'string' && typeof item !== 'number')) return bad('a list of texts')
  return ok(raw.map(String))
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function ok<T>(value: T): Parsed<T> {
  return { kind: 'ok', value }
}

function bad(wanted: string): { readonly kind: 'bad'; readonly wanted: string } {
  return { kind: 'bad', wanted }
}
