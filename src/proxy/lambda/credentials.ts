import type { Clock } from '../../std/clock.ts'

/** What requests to AWS are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** Absent = they do not end. */
  readonly expiration?: Date
}

/** Gives credentials that are valid now. Rejects when there are none. */
export type Credentials = () => Promise<AwsKeys>

/** How long before their end credentials are fetched anew: a request that is signed now may be on its way for a while. ms */
const beforeEndMs = 5 * 60_000

/**
 * Of the machine, by the chain that every AWS tool follows (environment, files, container, instance), and for a function with a role, those of
 * the role. Each is fetched once, and again when it nears its end: never for a request.
 */
export function awsCredentials(clock: Clock): (lambda: { readonly region: string; readonly roleArn?: string | undefined }) => Credentials {
  const own = kept(clock, async () => {
    const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
    return fromNodeProviderChain()()
  })
  const roles = new Map<string, Credentials>()
  return ({ region, roleArn }) => {
    if (roleArn === undefined) return own
    const key = `${region} ${roleArn}`
    const known = roles.get(key)
    if (known) return known
    const made = kept(clock, async () => {
      const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
      const params = { RoleArn: roleArn, RoleSessionName: 'skerry-zone-gateway' }
      return fromTemporaryCredentials({ params, masterCredentials: own, clientConfig: { region } })()
    })
    roles.set(key, made)
    return made
  }
}

/** The same credentials until shortly before they end; of those that come at once, one asks. While an old one is good, a failure is not felt. */
export function kept(clock: Clock, fetch: () => Promise<AwsKeys>): Credentials {
  let current: AwsKeys | null = null
  let asking: Promise<AwsKeys> | null = null
  const msLeft = () => (current === null ? 0 : (current.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - clock.now())
  const ask = () => {
    asking ??= fetch()
      .then(credentials => {
        current = credentials
        return credentials
      })
      .finally(() => {
        asking = null
      })
    return asking
  }
  return async () => {
    if (msLeft() > beforeEndMs) return current!
    if (msLeft() <= 0) return ask()
    ask().catch(() => {})
    return current!
  }
}
