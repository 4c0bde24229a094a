import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { FoundLambda, FoundWorkload, Item, Locality } from '../adapter.ts'
import { itemOf, leftOut, readSafely } from '../found.ts'

/** Tags of a function, beside those that every source reads. A tag's value has no commas, so that `+` parts a list. */
export const lambdaTags = {
  /** `true`: the function is to be called through the mesh. */
  expose: 'skerry.io/expose',
  /** Which aliases: `live`, `live+canary`; `latest` without such an alias is what was deployed last. */
  aliases: 'skerry.io/aliases',
  /** `http-2.0` or `passthrough`. */
  payload: 'skerry.io/payload',
  /** ARN of the role with which it is called. */
  role: 'skerry.io/invoke-role',
} as const

/** https://docs.aws.amazon.com/lambda/latest/api/API_AliasConfiguration.html */
export interface RawAlias {
  readonly Name?: string | undefined
  readonly FunctionVersion?: string | undefined
  readonly RoutingConfig?: { readonly AdditionalVersionWeights?: Readonly<Record<string, number>> | undefined } | undefined
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html */
export interface RawConfiguration {
  readonly State?: string | undefined
  readonly StateReason?: string | undefined
  readonly LastUpdateStatus?: string | undefined
  readonly LastUpdateStatusReason?: string | undefined
  readonly Runtime?: string | undefined
  readonly Version?: string | undefined
  readonly PackageType?: string | undefined
}

/** What of a function can be called. */
export interface Exposed {
  /** As it stands in the ARN: an alias, or `$LATEST`. */
  readonly qualifier: string
  /** The service that it is, where no tag says it. */
  readonly workload: string
  readonly alias: RawAlias | undefined
}

export type Exposure =
  | { readonly kind: 'aliases'; readonly exposed: readonly Exposed[] }
  | { readonly kind: 'nothing'; readonly reason: string }

/**
 * Which aliases of a function are called, and by which names. An alias that its tag alone names has the function's name; of several each has its
 * own, so that one more does not rename those that are there.
 */
export function exposureOf(name: string, tags: Readonly<Record<string, string>>, aliases: readonly RawAlias[]): Exposure {
  const asked = tags[lambdaTags.aliases]?.split(/[+\s]+/).filter(alias => alias !== '')
  if (asked === undefined || asked.length === 0) {
    if (aliases.length === 0)
      return {
        kind: 'nothing',
        reason: `it has no alias: make one, or set its tag ${lambdaTags.aliases} to latest to call what was deployed last`,
      }
    return { kind: 'aliases', exposed: aliases.map(alias => ({ qualifier: alias.Name ?? '', workload: `${name}-${alias.Name}`, alias })) }
  }
  const exposed = asked.flatMap(alias => {
    const known = aliases.find(({ Name }) => Name === alias)
    const qualifier = known !== undefined ? alias : alias === 'latest' ? '$LATEST' : undefined
    return qualifier === undefined ? [] : [{ qualifier, workload: asked.length === 1 ? name : `${name}-${alias}`, alias: known }]
  })
  if (exposed.length === 0)
    return { kind: 'nothing', reason: `it has no alias ${asked.join(', ')}, which its tag ${lambdaTags.aliases} names` }
  return { kind: 'aliases', exposed }
}

export interface KnownFunction {
  /** Without a qualifier. */
  readonly arn: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly exposed: Exposed
  readonly configuration: RawConfiguration
  /** Instead of the usual address of Lambda. */
  readonly endpoint: string | undefined
}

/** An exposed alias under a source's rules. Lambda itself parts the calls of an alias among its versions. */
export function itemOfFunction(known: KnownFunction, locality: Locality, spec: DiscoverySourceSpec): Item {
  const { arn, name, tags, exposed, configuration, endpoint } = known
  const id = `${arn}:${exposed.qualifier}`
  return readSafely({ id }, () => {
    const payload = tags[lambdaTags.payload] ?? 'http-2.0'
    if (payload !== 'http-2.0' && payload !== 'passthrough')
      return leftOut({ id }, `its tag ${lambdaTags.payload} is ${JSON.stringify(payload)}: write http-2.0 or passthrough`, { name })
    const roleArn = tags[lambdaTags.role]
    const lambda: FoundLambda = {
      arn: id,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(roleArn === undefined ? {} : { roleArn }),
      payload,
    }
    const { state, reason } = stateOf(configuration)
    return itemOf(
      { id },
      {
        name,
        labels: tags,
        services: [exposed.workload],
        version: exposed.alias?.FunctionVersion ?? configuration.Version ?? exposed.qualifier,
        address: hostOf(arn, endpoint),
        ports: [{ port: 443, name: 'main', protocol: 'http' }],
        state,
        ...(reason === undefined ? {} : { reason }),
        locality,
        lambda,
        facts: {
          alias: exposed.qualifier,
          versions: versionsOf(exposed.alias),
          state: configuration.State,
          update: configuration.LastUpdateStatus,
          runtime: configuration.Runtime ?? configuration.PackageType,
          payload,
        },
      },
      spec,
    )
  })
}

/** The host to which its calls go. https://docs.aws.amazon.com/general/latest/gr/lambda-service.html */
function hostOf(arn: string, endpoint: string | undefined): string {
  if (endpoint !== undefined) return new URL(endpoint).hostname
  const [, partition, , region] = arn.split(':')
  return `lambda.${region}.${partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'}`
}

/** Inactive functions wake up when they are called. https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html */
function stateOf({ State, StateReason, LastUpdateStatus, LastUpdateStatusReason }: RawConfiguration): {
  state: FoundWorkload['state']
  reason?: string
} {
  if (State === 'Failed') return { state: 'unhealthy', reason: `Failed: ${StateReason ?? 'AWS says no more'}` }
  if (State === 'Deactivating' || State === 'Deleting') return { state: 'draining', reason: State }
  if (State === 'Pending') return { state: 'starting', reason: `Pending: ${StateReason ?? 'it is being created'}` }
  // What was there before the update is called until the new one is.
  if (LastUpdateStatus === 'Failed')
    return { state: 'ready', reason: `its last update failed: ${LastUpdateStatusReason ?? 'AWS says no more'}` }
  return { state: 'ready' }
}

/** As `7 90 %, 8 10 %`. */
function versionsOf(alias: RawAlias | undefined): string | undefined {
  const weights = Object.entries(alias?.RoutingConfig?.AdditionalVersionWeights ?? {})
  if (alias?.FunctionVersion === undefined || weights.length === 0) return alias?.FunctionVersion
  const rest = 1 - weights.reduce((sum, [, weight]) => sum + weight, 0)
  return [[alias.FunctionVersion, rest] as const, ...weights]
    .map(([version, weight]) => `${version} ${Math.round(weight * 100)} %`)
    .join(', ')
}
