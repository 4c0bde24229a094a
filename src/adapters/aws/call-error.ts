import { SourceCallError } from '../adapter.ts'

/** What the SDKs throw, as far as we look at it. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string | undefined>> }
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html */
const throttling = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'LimitExceededException',
  'TooManyRequestsException',
  'PriorRequestNotComplete',
  'SlowDown',
  'EC2ThrottledException',
])
const denials = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthFailure|NotAuthorized|OptInRequired|AuthorizationError)$/
/** Who we are could not be told: keys that are wrong, or over. */
const credentials =
  /^(CredentialsProviderError|ExpiredToken|ExpiredTokenException|RequestExpired|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature|MissingAuthenticationToken)/
const network = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/

/**
 * An error of an SDK in our words.
 * @param action what was called, as IAM names it: `ecs:ListTasks`
 * @param where `123456789012 in eu-central-1`
 */
export function callError(error: unknown, action: string, where: string): SourceCallError {
  if (error instanceof SourceCallError) return error
  const known = (typeof error === 'object' && error !== null ? error : {}) as SdkError
  const { name = '', code = '' } = known
  const status = known.$metadata?.httpStatusCode ?? known.$response?.statusCode
  const said = firstLine(known.message ?? String(error))
  const failed = (what: SourceCallError['what'], text: string) =>
    new SourceCallError(what, `${action} of account ${where}: ${text}`, { cause: error, ...retryAfter(known) })
  if (throttling.has(name) || status === 429) return failed('throttled', `AWS asks for fewer calls (${said})`)
  if (denials.test(name)) return failed('denied', denial(said, action))
  if (credentials.test(name))
    return failed('denied', `the credentials are not accepted (${name}: ${said}): see what the control plane runs with, or credentials`)
  if (name === 'TimeoutError' || network.test(code)) return failed('unreachable', `no answer (${code || name}: ${said})`)
  if (status !== undefined && status >= 500) return failed('unreachable', `AWS answered ${status} (${name}: ${said})`)
  if (isParseError(known, status)) {
    return status === undefined || status < 300
      ? failed('garbled', `the answer cannot be read (${said})`)
      : failed(status === 403 || status === 401 ? 'denied' : 'refused', `answered ${status}, and not as AWS does: is aws.endpoint right?`)
  }
  if (status === undefined) return failed('unreachable', said)
  return failed(status === 401 || status === 403 ? 'denied' : 'refused', `${name}: ${said}`)
}

/** The name that AWS gave its refusal, as `ClusterNotFoundException`. */
export function awsErrorName(error: unknown): string | undefined {
  const cause = error instanceof SourceCallError ? error.cause : error
  return (cause as SdkError | undefined)?.name
}

/** AWS names the permission that is missing, which may be another than that of the call: to take on a role comes first. */
function denial(said: string, called: string): string {
  const [, who] = /User: (\S+) is not authorized/.exec(said) ?? []
  const action = /not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)/.exec(said)?.[1] ?? called
  const fix =
    action === 'sts:AssumeRole'
      ? 'allow it in the policy of who calls, and in the trust policy of the role (with its ExternalId)'
      : `add ${action} to the policy of the role that this source uses`
  return `${who === undefined ? '' : `${who} `}may not ${action}: ${fix}`
}

function isParseError({ name, message = '' }: SdkError, status: number | undefined): boolean {
  return name === 'SyntaxError' || (status !== undefined && /Deserialization error|XML parse error/.test(message))
}

/** Seconds or a date, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after; a date is left to the back-off, for clocks differ. */
function retryAfter({ $response }: SdkError): { retryAfterMs?: number } {
  const seconds = Number($response?.headers?.['retry-after'])
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 300)
}
