import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { Backoff } from '../../std/backoff.ts'
import { sleep } from '../../std/clock.ts'
import { type AdapterDeps, type Locality, type Source, SourceCallError, SourceConfigError } from '../adapter.ts'
import { callError } from './call-error.ts'
import { type AwsCredentials, ambientCredentials, type RequestHandler, referredCredentials, roleCredentials } from './credentials.ts'
import { type Bucket, limitOf, type Place } from './limits.ts'

/** What every client of the SDK takes. */
export interface ClientOptions {
  readonly region: string
  readonly credentials: AwsCredentials
  readonly maxAttempts: number
  readonly disableHostPrefix: boolean
  readonly endpoint?: string
  readonly requestHandler: RequestHandler
}

interface Client {
  destroy(): void
}

interface Reach {
  /** Instead of the services' usual addresses. */
  readonly endpoint: string | undefined
  readonly requestHandler: RequestHandler
}

interface Account {
  /** undefined = whatever account the control plane's own credentials are of. */
  readonly id: string | undefined
  readonly field: string
  readonly credentials: AwsCredentials
  /** The id that AWS says, once it has. */
  known: string | undefined
}

/** An answer that takes longer is not coming. ms */
const answerMs = 20_000
const connectMs = 5000
/** A call, with those after a refusal or a lost connection. */
const attempts = 3

/**
 * The accounts and regions of a source, and how they are called: signed as each account wants it, within what all sources may ask of it
 * together, with a bound in time, and with every failure in our words.
 */
export class AwsAccess implements AsyncDisposable {
  readonly #deps: AdapterDeps
  readonly #regions: readonly string[]
  readonly #reach: Reach
  readonly #accounts: readonly Account[]
  readonly #clients = new Map<string, Client>()

  /** Calls nothing yet. Throws SourceConfigError. */
  static async open({ spec }: Source, deps: AdapterDeps): Promise<AwsAccess> {
    const { aws } = spec
    if (aws === undefined) throw new SourceConfigError('aws', 'must be defined: say at least regions')
    const { regions, endpoint } = aws
    regions.forEach((region, index) => {
      if (!/^[a-z]{2}[a-z0-9-]*-[0-9]+$/.test(region))
        throw new SourceConfigError(`aws.regions[${index}]`, `${JSON.stringify(region)} is no region: write it as eu-central-1`)
    })
    if (endpoint !== undefined && !(/^https?:/.test(endpoint) && URL.canParse(endpoint)))
      throw new SourceConfigError(
        'aws.endpoint',
        `${JSON.stringify(endpoint)} is no URL: write it as https://vpce-1.ecs.eu-central-1.vpce.amazonaws.com`,
      )
    const ca = aws.caCert === undefined ? undefined : new TextDecoder().decode(await deps.secret(aws.caCert))
    const requestHandler = { connectionTimeout: connectMs, ...(ca === undefined ? {} : { httpsAgent: { ca } }) }
    const { credentials } = spec
    const master =
      credentials?.type === 'Reference'
        ? referredCredentials(() => deps.secret(credentials.reference), deps.clock)
        : ambientCredentials(deps.clock)
    const accounts = (aws.accounts?.length ? aws.accounts : [undefined]).map((account, index): Account => {
      const { roleArn, externalId } = account ?? {}
      const at = endpoint === undefined ? {} : { endpoint }
      const secret = externalId === undefined ? {} : { externalId: () => deps.secret(externalId) }
      const role = roleArn === undefined ? undefined : { roleArn, region: regions[0]!, requestHandler, ...at, ...secret }
      return {
        id: account?.id,
        field: `aws.accounts[${index}]`,
        credentials: role === undefined ? master : roleCredentials(master, role, deps.clock),
        known: undefined,
      }
    })
    return new AwsAccess(deps, regions, { endpoint, requestHandler }, accounts)
  }

  private constructor(deps: AdapterDeps, regions: readonly string[], reach: Reach, accounts: readonly Account[]) {
    this.#deps = deps
    this.#regions = regions
    this.#reach = reach
    this.#accounts = accounts
  }

  /** Instead of the services' usual addresses. */
  get endpoint(): string | undefined {
    return this.#reach.endpoint
  }

  /**
   * Every region of every account whose credentials are those of that account. Throws SourceCallError when that can be said of none; `missing`
   * names those of which it cannot.
   */
  async places(signal: AbortSignal): Promise<{ readonly places: readonly Place[]; readonly missing: readonly string[] }> {
    const errors: SourceCallError[] = []
    const known = await Promise.all(
      this.#accounts.map(async account => {
        try {
          return await this.#identify(account, signal)
        } catch (error) {
          if (!(error instanceof SourceCallError)) throw error
          errors.push(error)
          return undefined
        }
      }),
    )
    const ids = [...new Set(known.filter(id => id !== undefined))]
    if (ids.length === 0) throw errors[0]!
    const places = ids.flatMap(account => this.#regions.map(region => ({ account, region })))
    return { places, missing: errors.map(error => error.message) }
  }

  /** The keys with which this place's account is asked. Throws a RangeError for a place that `places` never named. */
  credentials(place: Place): AwsCredentials {
    return this.#accountOf(place).credentials
  }

  /** One for each place and class, with no tries of its own: those are `call`'s, who knows the budget. Closed with this. */
  client<C extends Client>(place: Place, Class: new (options: ClientOptions) => C, extra: object = {}): C {
    const key = `${place.account}/${place.region}/${Class.name}`
    let client = this.#clients.get(key) as C | undefined
    if (client === undefined) {
      client = new Class({ ...this.#options(place.region, this.credentials(place)), ...extra })
      this.#clients.set(key, client)
    }
    return client
  }

  /**
   * Calls as soon as the budget lets it, and up to twice more when AWS refuses for now or cannot be reached. Throws SourceCallError; when the
   * signal is aborted, its reason.
   * @param action as IAM names it: `ecs:ListTasks`
   * @param waitMs how long an answer may take
   */
  async call<T>(
    place: Place,
    bucket: Bucket,
    action: string,
    send: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    waitMs = answerMs,
  ): Promise<T> {
    const { budget, clock, random } = this.#deps
    const limit = limitOf(bucket, place)
    const backoff = new Backoff({ baseMs: 500, maxMs: 5000, random })
    for (let attempt = 1; ; attempt++) {
      await budget.take(limit, signal)
      try {
        return await this.#within(waitMs, send, signal)
      } catch (error) {
        signal.throwIfAborted()
        const failed = callError(error, action, `${place.account} in ${place.region}`)
        if (failed.what === 'throttled') budget.throttled(limit, failed.retryAfterMs)
        if (attempt === attempts || (failed.what !== 'throttled' && failed.what !== 'unreachable')) throw failed
        // The budget makes everybody wait after a refusal; a lost connection concerns this call alone.
        if (failed.what === 'unreachable') await sleep(clock, failed.retryAfterMs ?? backoff.nextMs(), signal)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client.destroy()
    this.#clients.clear()
  }

  /** Asked once: credentials do not change their account while a source is open. */
  async #identify(account: Account, signal: AbortSignal): Promise<string> {
    if (account.known !== undefined) return account.known
    const region = this.#regions[0]!
    const place = { account: account.id ?? 'ambient', region }
    const sts = new STSClient(this.#options(region, account.credentials))
    try {
      const send = (abortSignal: AbortSignal) => sts.send(new GetCallerIdentityCommand({}), { abortSignal })
      const { Account: said } = await this.call(place, 'sts', 'sts:GetCallerIdentity', send, signal)
      if (said === undefined) throw new SourceCallError('garbled', 'sts:GetCallerIdentity: the answer has no Account')
      if (account.id !== undefined && said !== account.id)
        throw new SourceCallError(
          'denied',
          `${account.field}: the credentials are those of account ${said}, not of ${account.id}: set roleArn to a role in ${account.id}, or correct id`,
        )
      account.known = said
      return said
    } finally {
      sts.destroy()
    }
  }

  #accountOf(place: Place): Account {
    const account = this.#accounts.find(({ known }) => known === place.account)
    if (account === undefined) throw new RangeError(`account ${place.account} is none of this source`)
    return account
  }

  #options(region: string, credentials: AwsCredentials): ClientOptions {
    const { endpoint, requestHandler } = this.#reach
    return {
      region,
      credentials,
      maxAttempts: 1,
      // Some operations put a name before the host, which an endpoint that was given does not have.
      disableHostPrefix: endpoint !== undefined,
      ...(endpoint === undefined ? {} : { endpoint }),
      requestHandler,
    }
  }

  async #within<T>(ms: number, send: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const late = new AbortController()
    const timer = this.#deps.clock.setTimeout(() => late.abort(), ms)
    try {
      return await send(AbortSignal.any([signal, late.signal]))
    } catch (error) {
      if (late.signal.aborted) throw Object.assign(new Error(`none within ${ms / 1000} s`), { name: 'TimeoutError', cause: error })
      throw error
    } finally {
      timer.cancel()
    }
  }
}

/** Where something of this place is. */
export function localityOf({ account, region }: Place): Locality {
  return { cloud: 'aws', account, region }
}
