import { type ExitCode, exitCodes } from './exit-codes.ts'

/** The API's error body (RFC 9457 with Kuma's `invalid_parameters`). */
export interface ApiProblem {
  readonly status?: number
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly fix?: string
  readonly invalid_parameters?: readonly { readonly field: string; readonly reason: string }[]
}

export interface CliErrorOptions {
  readonly code: string
  readonly exitCode: ExitCode
  /** What to do, best as a command that can be pasted. */
  readonly fix?: string
  readonly problem?: ApiProblem
  readonly cause?: unknown
}

/** Ends a command: what happened, its exit code and what to do. Printed once, by `main.ts`. */
export class CliError extends Error {
  override name = 'CliError'
  readonly code: string
  readonly exitCode: ExitCode
  readonly fix: string | undefined
  readonly problem: ApiProblem | undefined
  constructor(message: string, options: CliErrorOptions) {
    super(message, { cause: options.cause })
    this.code = options.code
    this.exitCode = options.exitCode
    this.fix = options.fix
    this.problem = options.problem
  }
}

export function usageError(message: string, fix: string): CliError {
  return new CliError(message, { code: 'SKERRY_USAGE', exitCode: exitCodes.usage, fix })
}

/** For people: what, where, why, what to do, code. */
export function formatError(error: unknown): string {
  const { message, code, fix, problem } = describe(error)
  const lines = [`error: ${message}`]
  for (const parameter of problem?.invalid_parameters ?? []) lines.push(`  ${parameter.field}: ${parameter.reason}`)
  if (fix) lines.push(`fix: ${fix}`)
  lines.push(`code: ${code}`)
  return `${lines.join('\n')}\n`
}

/** For programs: one problem object on one line. The API's own body where there is one. */
export function errorAsJson(error: unknown): string {
  const { message, code, fix, problem, exitCode } = describe(error)
  return `${JSON.stringify({ type: '/std-errors', title: message, ...problem, code: problem?.code ?? code, ...(fix ? { fix } : {}), exitCode })}\n`
}

export function exitCodeOf(error: unknown): number {
  return describe(error).exitCode
}

interface Described {
  readonly message: string
  readonly code: string
  readonly exitCode: number
  readonly fix: string | undefined
  readonly problem: ApiProblem | undefined
}

function describe(error: unknown): Described {
  if (error instanceof CliError) return error
  const { message, code, fix, exitCode } = error as { message?: string; code?: unknown; fix?: string; exitCode?: unknown }
  return {
    message: message ?? String(error),
    code: typeof code === 'string' && code.startsWith('SKERRY_') ? code : 'SKERRY_FAILED',
    exitCode: typeof exitCode === 'number' ? exitCode : exitCodes.failed,
    fix,
    problem: undefined,
  }
}
