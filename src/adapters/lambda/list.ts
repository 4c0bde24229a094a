import { GetAccountSettingsCommand, GetFunctionCommand, LambdaClient, ListAliasesCommand } from '@aws-sdk/client-lambda'
import { GetResourcesCommand, ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api'
import {
  type Adapter,
  type Gone,
  type Item,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { AwsAccess } from '../aws/access.ts'
import { requireAnswer } from '../aws/answer.ts'
import { parseArn } from '../aws/arn.ts'
import { awsErrorName } from '../aws/call-error.ts'
import { placeOf, placeScopes } from '../aws/place-scopes.ts'
import { type TagFilter, tagFilters } from '../aws/tag-filter.ts'
import { tagsOf } from '../aws/tags.ts'
import { leftOut } from '../found.ts'
import { type Drained, drainPages } from '../paging.ts'
import { type Exposed, exposureOf, itemOfFunction, lambdaTags, type RawAlias, type RawConfiguration } from './translate.ts'

/**
 * AWS Lambda: an account's functions in a region are a scope. Those with the tags of `include`, or with `skerry.io/expose: true`; found by the
 * tagging service, for Lambda answers 15 questions a second to everybody in the account, and says tags of one function at a time.
 */
export const lambda: Adapter = {
  type: 'Lambda',
  intervalMs: 120_000,
  open: async (source, deps) => new LambdaSource(source, await AwsAccess.open(source, deps)),
}

interface TaggedFunction {
  readonly arn: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
}

class LambdaSource implements OpenAdapter {
  readonly #source: Source
  readonly #access: AwsAccess

  constructor(source: Source, access: AwsAccess) {
    this.#source = source
    this.#access = access
  }

  scopes(signal: AbortSignal): Promise<ScopeListing> {
    return placeScopes(this.#access, 'lambda', signal)
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const functions = new Map<string, TaggedFunction>()
    const missing: string[] = []
    let pages = 0
    for (const filter of tagFilters(this.#source.spec, [{ key: lambdaTags.expose, value: 'true' }])) {
      const drained = await this.#tagged(scope, filter, signal)
      for (const it of drained.items) functions.set(it.arn, it)
      missing.push(...drained.missing)
      pages += drained.pages
    }
    const items: Item[] = []
    let unread = functions.size
    for (const known of functions.values()) {
      try {
        items.push(...(await this.#items(scope, known, signal)))
        unread--
      } catch (error) {
        if (!(error instanceof SourceCallError)) throw error
        // What Lambda refuses concerns this function; anything else would meet the next ones as well.
        if (error.what === 'refused') missing.push(`${known.name}: ${error.message}`)
        else {
          missing.push(`${unread} functions could not be asked about: ${error.message}`)
          break
        }
      }
    }
    return { complete: missing.length === 0, missing, items, gone: [], pages }
  }

  async confirm(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    const answers = new Map<string, 'there' | Gone>()
    for (const id of ids) {
      const at = id.lastIndexOf(':')
      const configuration = await this.#configuration(scope, id.slice(0, at), id.slice(at + 1), signal)
      answers.set(id, configuration === null ? { id, reason: 'Lambda knows no such function or alias any more', inferred: true } : 'there')
    }
    return answers
  }

  /** The account's functions are counted, not those that are exposed: only that there are none is of use. */
  async count(scope: Scope, signal: AbortSignal): Promise<number | null> {
    const send = (abortSignal: AbortSignal) => this.#client(scope).send(new GetAccountSettingsCommand({}), { abortSignal })
    const answer = await this.#access.call(placeOf(scope), 'lambda-read', 'lambda:GetAccountSettings', send, signal)
    return answer.AccountUsage?.FunctionCount === 0 ? 0 : null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#access[Symbol.asyncDispose]()
  }

  #tagged(scope: Scope, filter: TagFilter, signal: AbortSignal): Promise<Drained<TaggedFunction>> {
    const place = placeOf(scope)
    const client = this.#access.client(place, ResourceGroupsTaggingAPIClient)
    const TagFilters = filter.map(({ key, value }) => ({ Key: key, ...(value === undefined ? {} : { Values: [value] }) }))
    const read = async (token: string | undefined) => {
      const command = new GetResourcesCommand({
        ResourceTypeFilters: ['lambda:function'],
        TagFilters,
        ResourcesPerPage: 100,
        ...(token === undefined ? {} : { PaginationToken: token }),
      })
      const send = (abortSignal: AbortSignal) => client.send(command, { abortSignal })
      const answer = await this.#access.call(place, 'tagging', 'tag:GetResources', send, signal)
      const resources = requireAnswer(answer.ResourceTagMappingList, 'ResourceTagMappingList', 'tag:GetResources')
      return { items: resources.flatMap(({ ResourceARN, Tags }) => functionOf(ResourceARN, tagsOf(Tags))), next: answer.PaginationToken }
    }
    return drainPages(read, { what: `functions of ${scope.id}`, idOf: ({ arn }) => arn })
  }

  /** A function that Lambda no longer knows is told by the tagging service for a while: it comes to nothing. */
  async #items(scope: Scope, known: TaggedFunction, signal: AbortSignal): Promise<Item[]> {
    const aliases = await this.#aliases(scope, known, signal)
    if (aliases === null) return []
    const exposure = exposureOf(known.name, known.tags, aliases)
    if (exposure.kind === 'nothing') return [leftOut({ id: known.arn }, exposure.reason, { name: known.name })]
    const items: Item[] = []
    for (const exposed of exposure.exposed) {
      const configuration = await this.#configuration(scope, known.arn, exposed.qualifier, signal)
      if (configuration !== null) items.push(this.#item(scope, known, exposed, configuration))
    }
    return items
  }

  #item(scope: Scope, known: TaggedFunction, exposed: Exposed, configuration: RawConfiguration): Item {
    return itemOfFunction({ ...known, exposed, configuration, endpoint: this.#access.endpoint }, scope.locality, this.#source.spec)
  }

  /** null: there is no such function. */
  async #aliases(scope: Scope, { arn, name }: TaggedFunction, signal: AbortSignal): Promise<readonly RawAlias[] | null> {
    const read = async (Marker: string | undefined) => {
      const command = new ListAliasesCommand({ FunctionName: arn, ...(Marker === undefined ? {} : { Marker }) })
      const send = (abortSignal: AbortSignal) => this.#client(scope).send(command, { abortSignal })
      const answer = await this.#access.call(placeOf(scope), 'lambda-read', 'lambda:ListAliases', send, signal)
      return { items: requireAnswer(answer.Aliases, 'Aliases', 'lambda:ListAliases'), next: answer.NextMarker }
    }
    const drained = await nullWhenUnknown(() => drainPages(read, { what: `aliases of ${name}`, idOf: ({ Name = '' }) => Name }))
    if (drained === null) return null
    if (!drained.complete) throw new SourceCallError('garbled', drained.missing.join('; '))
    return drained.items
  }

  /** null: there is no such function or alias. */
  async #configuration(scope: Scope, arn: string, qualifier: string, signal: AbortSignal): Promise<RawConfiguration | null> {
    const command = new GetFunctionCommand({ FunctionName: arn, ...(qualifier === '$LATEST' ? {} : { Qualifier: qualifier }) })
    const send = (abortSignal: AbortSignal) => this.#client(scope).send(command, { abortSignal })
    const answer = await nullWhenUnknown(() => this.#access.call(placeOf(scope), 'lambda-get-function', 'lambda:GetFunction', send, signal))
    return answer === null ? null : requireAnswer(answer.Configuration, 'Configuration', 'lambda:GetFunction')
  }

  #client(scope: Scope): LambdaClient {
    return this.#access.client(placeOf(scope), LambdaClient)
  }
}

function functionOf(arn: string | undefined, tags: TaggedFunction['tags']): TaggedFunction[] {
  const [kind, name] = parseArn(arn ?? '')?.resource.split(':') ?? []
  return arn !== undefined && kind === 'function' && name !== undefined ? [{ arn, name, tags }] : []
}

async function nullWhenUnknown<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SourceCallError && awsErrorName(error) === 'ResourceNotFoundException') return null
    throw error
  }
}
