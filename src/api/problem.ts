import type { FastifyError } from 'fastify'
import type { Violation } from '../model/kind.ts'

/** Kuma's error body, with a stable code and the way out. `details` and `causes` are what kumactl 2.x reads. */
export interface Problem {
  readonly type: '/std-errors'
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly code: string
  /** What to do. */
  readonly fix?: string
  readonly invalid_parameters?: readonly Violation[]
  /** The request's id, which the server's log has too. */
  readonly instance: string
  readonly details: string
  readonly causes?: readonly { readonly field: string; readonly message: string }[]
}

export interface ApiErrorFields {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly fix?: string
  readonly violations?: readonly Violation[]
  readonly cause?: unknown
}

/** Ends a request with an answer that is an error of the caller's, or a state that he should know. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: string
  readonly fields: ApiErrorFields
  constructor(fields: ApiErrorFields) {
    super(fields.detail, { cause: fields.cause })
    this.code = fields.code
    this.fields = fields
  }
}

/** The answer to a request that ended with `error`. Unexpected errors tell the caller nothing but where to look. */
export function toProblem(error: unknown, requestId: string): Problem {
  const { status, code, title, detail, fix, violations } = describe(error)
  return {
    type: '/std-errors',
    status,
    title,
    detail,
    code,
    ...(fix === undefined ? {} : { fix }),
    ...(violations === undefined ? {} : { invalid_parameters: violations }),
    instance: requestId,
    details: detail,
    ...(violations === undefined ? {} : { causes: violations.map(({ field, reason }) => ({ field, message: reason })) }),
  }
}

/** Everything wrong with what was sent, in Kuma's words. */
export function invalidResource(violations: readonly Violation[], title = 'Could not process a resource'): ApiError {
  return new ApiError({ status: 400, code: 'SKERRY_RESOURCE_INVALID', title, detail: 'Resource is not valid', violations })
}

export function notFound(title: string, fix: string): ApiError {
  return new ApiError({ status: 404, code: 'SKERRY_NOT_FOUND', title, detail: 'Not found', fix })
}

function describe(error: unknown): ApiErrorFields {
  if (error instanceof ApiError) return error.fields
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const known = typeof code === 'string' ? storeErrors[code] : undefined
  if (known) return { ...known, code: code as string, detail: String(message) }
  const { statusCode } = error as FastifyError
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return ofFastify(error as FastifyError)
  return {
    status: 500,
    code: 'SKERRY_INTERNAL',
    title: 'Internal Server Error',
    detail: 'the control plane failed in a way it should not',
    fix: "look for this answer's `instance` in the control plane's log, and report it",
  }
}

/** What the registry and its store throw. Their messages say what to do. */
const storeErrors: Readonly<Record<string, { readonly status: number; readonly title: string }>> = {
  SKERRY_REVISION_CONFLICT: { status: 409, title: 'Conflict' },
  SKERRY_DUPLICATE_KEY: { status: 400, title: 'Bad Request' },
  SKERRY_COMPACTED: { status: 410, title: 'Gone' },
  SKERRY_COMMIT_TOO_LARGE: { status: 413, title: 'Payload Too Large' },
  SKERRY_STORE_FULL: { status: 507, title: 'Insufficient Storage' },
  SKERRY_STORE_UNAVAILABLE: { status: 503, title: 'Service Unavailable' },
  SKERRY_NOT_LEADER: { status: 503, title: 'Service Unavailable' },
  SKERRY_STORE_FAILED: { status: 503, title: 'Service Unavailable' },
  SKERRY_AUDIT_FAILED: { status: 507, title: 'Insufficient Storage' },
  SKERRY_STORE_CLOSED: { status: 503, title: 'Service Unavailable' },
}

function ofFastify(error: FastifyError): ApiErrorFields {
  const status = error.statusCode ?? 400
  const bad = { status, title: 'Bad Request', detail: error.message }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return {
        status,
        code: 'SKERRY_BODY_TOO_LARGE',
        title: 'Payload Too Large',
        detail: 'the body is longer than this control plane takes',
        fix: 'send less at once; a resource has at most 1 MiB',
      }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return {
        status,
        code: 'SKERRY_BODY_TYPE',
        title: 'Unsupported Media Type',
        detail: 'the body must be JSON',
        fix: 'send `Content-Type: application/json`; `skerry apply -f` reads YAML and sends JSON',
      }
    default:
      return { ...bad, code: 'SKERRY_BAD_REQUEST' }
  }
}
