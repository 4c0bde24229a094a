import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { type Any, anyIs, anyUnpack } from '@bufbuild/protobuf/wkt'
import type { Address } from '../../gen/envoy/config/core/v3/address_pb.js'
import type { DataSource } from '../../gen/envoy/config/core/v3/base_pb.js'
import type { ConfigSource } from '../../gen/envoy/config/core/v3/config_source_pb.js'
import type { RegexMatcher } from '../../gen/envoy/type/matcher/v3/regex_pb.js'
import type { StringMatcher } from '../../gen/envoy/type/matcher/v3/string_pb.js'
import type { Reasons } from './compiled.ts'
import type { WeightedRef } from './table.ts'

/** The small forms that resources share, read. */

/** undefined = not set. */
export function durationMs(duration: { readonly seconds: bigint; readonly nanos: number } | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1_000_000
}

/** The message inside `typed_config`, if it is of this type. */
export function extension<Desc extends DescMessage>(
  config: { readonly case: string | undefined; readonly value?: unknown },
  schema: Desc,
): MessageShape<Desc> | undefined {
  return config.case === 'typedConfig' ? unpacked(config.value as Any, schema) : undefined
}

export function unpacked<Desc extends DescMessage>(any: Any | undefined, schema: Desc): MessageShape<Desc> | undefined {
  return any !== undefined && anyIs(any, schema) ? anyUnpack(any, schema) : undefined
}

export function hostAndPort(address: Address | undefined, path: string, reasons: Reasons): { address: string; port: number } {
  const socket = address?.address.case === 'socketAddress' ? address.address.value : undefined
  const port = socket?.portSpecifier.case === 'portValue' ? socket.portSpecifier.value : 0
  if (socket === undefined || socket.address === '' || port < 1 || port > 65_535) {
    reasons.add(path, 'needs a socket_address with an address and a port_value from 1 to 65535')
  }
  return { address: socket?.address ?? '', port }
}

/** Where the resource comes from: this proxy has no other source than the stream that it is on. */
export function needAds(source: ConfigSource | undefined, path: string, reasons: Reasons): void {
  if (source?.configSourceSpecifier.case !== 'ads') reasons.add(path, 'must be ads')
}

export function textOf(source: DataSource | undefined): string {
  switch (source?.specifier.case) {
    case 'inlineString':
      return source.specifier.value
    case 'inlineBytes':
      return Buffer.from(source.specifier.value).toString()
    default:
      return ''
  }
}

export function bytesOf(source: DataSource | undefined): Uint8Array {
  return source?.specifier.case === 'inlineBytes' ? source.specifier.value : Buffer.from(textOf(source))
}

/** Envoy's matchers match the whole text. null = a reason was added. */
export function regexOf(matcher: RegexMatcher | undefined, path: string, reasons: Reasons, flags = ''): RegExp | null {
  try {
    return new RegExp(`^(?:${matcher?.regex ?? ''})$`, flags)
  } catch (error) {
    reasons.add(path, `${JSON.stringify(matcher?.regex)} is not a regular expression that this proxy knows (${(error as Error).message})`)
    return null
  }
}

export type TextRule = { readonly kind: 'exact' | 'prefix'; readonly value: string } | { readonly kind: 'regex'; readonly value: RegExp }

export function textRule(matcher: StringMatcher | undefined, path: string, reasons: Reasons): TextRule {
  const flags = matcher?.ignoreCase ? 'i' : ''
  const pattern = matcher?.matchPattern
  switch (pattern?.case) {
    case 'exact':
    case 'prefix':
      if (!matcher?.ignoreCase) return { kind: pattern.case, value: pattern.value }
      return asRegex(`${escapeRegex(pattern.value)}${pattern.case === 'prefix' ? '[\\s\\S]*' : ''}`, flags)
    case 'suffix':
      return asRegex(`[\\s\\S]*${escapeRegex(pattern.value)}`, flags)
    case 'contains':
      return asRegex(`[\\s\\S]*${escapeRegex(pattern.value)}[\\s\\S]*`, flags)
    case 'safeRegex':
      return { kind: 'regex', value: regexOf(pattern.value, path, reasons, flags) ?? /^$/ }
    default:
      reasons.add(path, 'needs exact, prefix, suffix, contains or safe_regex')
      return { kind: 'exact', value: '' }
  }
}

/** Shares as they are given; a cluster of weight 0 gets nothing and is left out. */
export function weightedRefs(
  clusters: readonly { readonly name: string; readonly weight?: number | undefined }[],
  path: string,
  reasons: Reasons,
): WeightedRef[] {
  const refs: WeightedRef[] = []
  for (const [index, { name, weight }] of clusters.entries()) {
    if (name === '') reasons.add(`${path}.clusters[${index}].name`, 'must not be empty')
    if (weight === undefined) reasons.add(`${path}.clusters[${index}].weight`, 'must be set')
    else if (weight > 0) refs.push({ cluster: name, weight })
  }
  if (refs.length === 0) reasons.add(`${path}.clusters`, 'must have one with a weight above 0')
  return refs
}

export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function asRegex(source: string, flags: string): TextRule {
  return { kind: 'regex', value: new RegExp(`^${source}$`, flags) }
}
