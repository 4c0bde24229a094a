import { DescribeInstancesCommand, type DescribeInstancesCommandInput, EC2Client } from '@aws-sdk/client-ec2'
import {
  type Adapter,
  type Gone,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { AwsAccess } from '../aws/access.ts'
import { requireAnswer } from '../aws/answer.ts'
import { awsErrorName } from '../aws/call-error.ts'
import { placeOf, placeScopes } from '../aws/place-scopes.ts'
import { tagFilters } from '../aws/tag-filter.ts'
import { drainPages, type Page } from '../paging.ts'
import { type RawInstance, translateInstance } from './translate.ts'

/** Amazon EC2: an account's instances in a region are a scope. Those with the tags of `include`, or with `skerry.io/service`. */
export const ec2: Adapter = {
  type: 'EC2',
  intervalMs: 60_000,
  open: async (source, deps) => new Ec2Source(source, await AwsAccess.open(source, deps)),
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
const pageSize = 1000

class Ec2Source implements OpenAdapter {
  readonly #source: Source
  readonly #access: AwsAccess

  constructor(source: Source, access: AwsAccess) {
    this.#source = source
    this.#access = access
  }

  scopes(signal: AbortSignal): Promise<ScopeListing> {
    return placeScopes(this.#access, 'ec2', signal)
  }

  /** In every state: a stopped instance says itself that it is, and why. */
  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const filters = tagFilters(this.#source.spec, [{ key: 'skerry.io/service', value: undefined }])
    const instances = new Map<string, RawInstance>()
    const missing: string[] = []
    let pages = 0
    for (const filter of filters) {
      const Filters = filter.map(({ key, value }) =>
        value === undefined ? { Name: 'tag-key', Values: [key] } : { Name: `tag:${key}`, Values: [escaped(value)] },
      )
      const read = (NextToken: string | undefined) =>
        this.#describe(scope, { Filters, MaxResults: pageSize, ...(NextToken === undefined ? {} : { NextToken }) }, signal)
      const drained = await drainPages(read, { what: `instances of ${scope.id}`, idOf: ({ InstanceId = '' }) => InstanceId })
      for (const instance of drained.items) instances.set(instance.InstanceId ?? '', instance)
      missing.push(...drained.missing)
      pages += drained.pages
    }
    instances.delete('')
    const translated = [...instances.values()].map(instance => translateInstance(instance, scope.locality, this.#source.spec))
    return {
      complete: missing.length === 0,
      missing,
      items: translated.flatMap(it => (it.kind === 'item' ? [it.item] : [])),
      gone: translated.flatMap(it => (it.kind === 'gone' ? [it.gone] : [])),
      pages,
    }
  }

  /** EC2 refuses a question about instances that it does not know, and names them: they are asked about until the rest is answered. */
  async confirm(scope: Scope, ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, 'there' | Gone>> {
    const answers = new Map<string, 'there' | Gone>()
    let open = [...ids]
    while (open.length > 0) {
      try {
        const { items } = await this.#describe(scope, { InstanceIds: open }, signal)
        for (const instance of items) {
          const translated = translateInstance(instance, scope.locality, this.#source.spec)
          answers.set(instance.InstanceId ?? '', translated.kind === 'gone' ? translated.gone : 'there')
        }
        return answers
      } catch (error) {
        const unknown = unknownInstances(error)
        const known = open.filter(id => !unknown.includes(id))
        if (known.length === open.length) throw error
        for (const id of unknown) answers.set(id, { id, reason: `EC2 knows no instance ${id} any more`, inferred: true })
        open = known
      }
    }
    return answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#access[Symbol.asyncDispose]()
  }

  async #describe(scope: Scope, input: DescribeInstancesCommandInput, signal: AbortSignal): Promise<Page<RawInstance>> {
    const place = placeOf(scope)
    const client = this.#access.client(place, EC2Client)
    const send = (abortSignal: AbortSignal) => client.send(new DescribeInstancesCommand(input), { abortSignal })
    const answer = await this.#access.call(place, 'ec2-read', 'ec2:DescribeInstances', send, signal)
    const reservations = requireAnswer(answer.Reservations, 'reservationSet', 'ec2:DescribeInstances')
    return { items: reservations.flatMap(({ Instances }) => Instances ?? []), next: answer.NextToken }
  }
}

/** In a filter `*` and `?` stand for other characters. */
function escaped(value: string): string {
  return value.replace(/[\\*?]/g, '\\$&')
}

/** As `The instance IDs 'i-0a, i-0b' do not exist`. */
function unknownInstances(error: unknown): string[] {
  if (!(error instanceof SourceCallError) || !awsErrorName(error)?.startsWith('InvalidInstanceID')) return []
  return error.message.match(/\bi-[0-9a-f]+/g) ?? []
}
