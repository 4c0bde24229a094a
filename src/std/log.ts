import { pino } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Events with fields: `log.warn('listing failed', { adapter: 'ecs', error, retryInMs })`. A field named `error` is written with message and code. */
export interface Log {
  debug(event: string, fields?: Record<string, unknown>): void
  info(event: string, fields?: Record<string, unknown>): void
  warn(event: string, fields?: Record<string, unknown>): void
  error(event: string, fields?: Record<string, unknown>): void
  /** The same log, with these fields in every line. */
  child(fields: Record<string, unknown>): Log
}

export interface LogOptions {
  readonly level?: LogLevel
  /** The program's: `zone aws-1`. */
  readonly name?: string
  /** `text` is for people at a terminal. */
  readonly format?: 'json' | 'text'
  /** Where lines go; by default stderr. */
  readonly write?: (line: string) => void
}

export function createLog(options: LogOptions = {}): Log {
  const write = options.write ?? (line => process.stderr.write(line))
  const destination = { write: options.format === 'text' ? (line: string) => write(asText(line)) : write }
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: options.name === undefined ? {} : { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: label => ({ level: label }) },
      serializers: { error: describeError },
    },
    destination,
  )
  return wrap(logger)
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }

function wrap(logger: pino.Logger): Log {
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
    child: fields => wrap(logger.child(fields)),
  }
}

/** Stacks only of what nobody expected: our own errors carry a code that says enough. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { code } = error as { code?: unknown }
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) }
  if (code !== undefined) return { message: error.message, code, ...cause }
  return { message: error.message, stack: error.stack, ...cause }
}

/** `12:00:01.123 warn  zone aws-1: listing failed adapter=ecs` */
function asText(line: string): string {
  const { time, level, name, event, ...fields } = JSON.parse(line) as Record<string, unknown>
  const tail = Object.entries(fields).map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${name === undefined ? '' : `${name}: `}${event}${tail.join('')}\n`
}
