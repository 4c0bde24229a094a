import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { isObject } from '../../model/is-object.ts'
import type { Clock } from '../../std/clock.ts'
import { SourceConfigError } from '../adapter.ts'

/** What a request is signed with. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** Absent = they do not run out. */
  readonly expiration?: Date
}
export type AwsCredentials = () => Promise<AwsKeys>

/** How a client of the SDK connects. */
export interface RequestHandler {
  /** ms */
  readonly connectionTimeout: number
  /** PEM of a CA instead of the public ones. */
  readonly httpsAgent?: { readonly ca: string }
}

/** Before they run out: a listing that has begun must be able to end. ms */
const refreshEarlyMs = 5 * 60_000
/** A secret may be replaced while we run. ms */
const readAgainMs = 10 * 60_000

/** What the machine, the task or the pod of the control plane has: the SDK's own chain. */
export function ambientCredentials(clock: Clock): AwsCredentials {
  return kept(fromNodeProviderChain({ maxRetries: 1, timeout: 2000 }), clock)
}

/** Keys that are kept elsewhere, read again every ten minutes. */
export function referredCredentials(read: () => Promise<Uint8Array>, clock: Clock): AwsCredentials {
  const fresh = async () => ({
    ...parseKeys(new TextDecoder().decode(await read())),
    expiration: new Date(clock.now() + readAgainMs + refreshEarlyMs),
  })
  return kept(fresh, clock)
}

export interface Role {
  readonly roleArn: string
  readonly externalId?: () => Promise<Uint8Array>
  readonly region: string
  /** Instead of the usual address of STS. */
  readonly endpoint?: string
  readonly requestHandler: RequestHandler
}

/** Those of a role that is taken on with others. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
export function roleCredentials(master: AwsCredentials, { roleArn, externalId, endpoint, ...rest }: Role, clock: Clock): AwsCredentials {
  const assume = async () => {
    const id = externalId === undefined ? undefined : new TextDecoder().decode(await externalId()).trim()
    const provide = fromTemporaryCredentials({
      masterCredentials: master,
      params: { RoleArn: roleArn, RoleSessionName: 'skerry-discovery', ...(id === undefined ? {} : { ExternalId: id }) },
      clientConfig: { ...rest, maxAttempts: 2, ...(endpoint === undefined ? {} : { endpoint }) },
    })
    return await provide()
  }
  return kept(assume, clock)
}

/**
 * Keys out of a secret: `{"accessKeyId": …, "secretAccessKey": …, "sessionToken"?: …}`, or a section of a credentials file
 * (`aws_access_key_id = …`). Throws SourceConfigError, which does not repeat what is in there.
 */
export function parseKeys(text: string): AwsKeys {
  const found = text.trimStart().startsWith('{') ? fromJson(text) : fromIni(text)
  const accessKeyId = found('accessKeyId', 'aws_access_key_id')
  const secretAccessKey = found('secretAccessKey', 'aws_secret_access_key')
  const sessionToken = found('sessionToken', 'aws_session_token')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new SourceConfigError(
      'credentials.reference',
      'holds no AWS keys: write {"accessKeyId": "…", "secretAccessKey": "…"}, or aws_access_key_id and aws_secret_access_key as in a credentials file',
    )
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

type Find = (...names: readonly string[]) => string | undefined

function fromJson(text: string): Find {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {}
  const object = isObject(value) ? (value as Record<string, unknown>) : {}
  return (...names) => names.map(name => object[name]).find((it): it is string => typeof it === 'string' && it !== '')
}

function fromIni(text: string): Find {
  const entries = new Map([...text.matchAll(/^\s*(\w+)\s*=\s*(\S+)\s*$/gm)].map(([, key, value]) => [key!.toLowerCase(), value!]))
  return (...names) => names.map(name => entries.get(name)).find(value => value !== undefined)
}

/** Asked once for all clients, and again shortly before they run out; a failure is not kept. */
function kept(fresh: AwsCredentials, clock: Clock): AwsCredentials {
  let current: Promise<AwsKeys> | undefined
  let until = Number.POSITIVE_INFINITY
  return () => {
    if (current !== undefined && clock.now() < until) return current
    until = Number.POSITIVE_INFINITY
    const asked = fresh()
    current = asked
    asked.then(
      keys => {
        if (current === asked && keys.expiration !== undefined) until = keys.expiration.getTime() - refreshEarlyMs
      },
      () => {
        if (current === asked) current = undefined
      },
    )
    return asked
  }
}
