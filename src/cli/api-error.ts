import type { ApiResponse } from './api-client.ts'
import { type ApiProblem, CliError } from './cli-error.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'

/** What an answer that is not 2xx means for whoever typed the command. */
export function toApiError(response: ApiResponse, what: string): CliError {
  const problem = problemOf(response)
  const known = meanings[response.status]
  const said = [problem?.title, problem?.detail].filter(Boolean).join(': ')
  return new CliError(said || `${what}: ${known?.message ?? `the control plane answered ${response.status}`}`, {
    code: problem?.code ?? known?.code ?? 'SKERRY_API_ERROR',
    exitCode: known?.exitCode ?? (response.status >= 500 ? exitCodes.failed : exitCodes.badInput),
    ...((problem?.fix ?? known?.fix) ? { fix: problem?.fix ?? known?.fix } : {}),
    ...(problem ? { problem } : {}),
  })
}

function problemOf({ body }: ApiResponse): ApiProblem | undefined {
  return typeof body === 'object' && body !== null && ('title' in body || 'detail' in body) ? (body as ApiProblem) : undefined
}

const meanings: Readonly<
  Record<number, { readonly code: string; readonly exitCode: ExitCode; readonly message: string; readonly fix?: string }>
> = {
  401: {
    code: 'SKERRY_UNAUTHENTICATED',
    exitCode: exitCodes.notAuthorised,
    message: 'no valid token was given',
    fix: 'name a token with --token-file FILE or SKERRY_TOKEN_FILE',
  },
  403: {
    code: 'SKERRY_FORBIDDEN',
    exitCode: exitCodes.notAuthorised,
    message: 'this token may not do that',
    fix: 'use a token with more rights',
  },
  404: { code: 'SKERRY_NOT_FOUND', exitCode: exitCodes.notFound, message: 'not found' },
  405: { code: 'SKERRY_READ_ONLY', exitCode: exitCodes.badInput, message: 'this is not allowed here' },
  409: {
    code: 'SKERRY_REVISION_CONFLICT',
    exitCode: exitCodes.conflict,
    message: 'somebody else changed it in between',
    fix: 'read it again and retry',
  },
  412: {
    code: 'SKERRY_REVISION_CONFLICT',
    exitCode: exitCodes.conflict,
    message: 'somebody else changed it in between',
    fix: 'read it again and retry',
  },
  429: { code: 'SKERRY_TOO_MANY_REQUESTS', exitCode: exitCodes.temporary, message: 'too many requests', fix: 'try again in a few seconds' },
  503: {
    code: 'SKERRY_UNAVAILABLE',
    exitCode: exitCodes.temporary,
    message: 'the control plane is not ready',
    fix: 'try again in a few seconds',
  },
}
