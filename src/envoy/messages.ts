import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf'
import { type Any, anyPack } from '@bufbuild/protobuf/wkt'
import type { AddressSchema } from '../gen/envoy/config/core/v3/address_pb.js'
import type { DataSourceSchema } from '../gen/envoy/config/core/v3/base_pb.js'
import { ApiVersion, type ConfigSourceSchema } from '../gen/envoy/config/core/v3/config_source_pb.js'
import type { RegexMatcherSchema } from '../gen/envoy/type/matcher/v3/regex_pb.js'

/** The small forms that every Envoy resource is made of. */

export function duration(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000)
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1_000_000) }
}

export function packed<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Any {
  return anyPack(schema, create(schema, init))
}

/** The `config_type` of filters, transport sockets and extensions. */
export function typedConfig<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): { case: 'typedConfig'; value: Any } {
  return { case: 'typedConfig', value: packed(schema, init) }
}

export function socketAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return { address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } } }
}

/** The resource comes over the stream that this one came over. */
export const overAds: MessageInitShape<typeof ConfigSourceSchema> = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
}

export function inline(text: string): MessageInitShape<typeof DataSourceSchema> {
  return { specifier: { case: 'inlineString', value: text } }
}

export function regex(pattern: string): MessageInitShape<typeof RegexMatcherSchema> {
  return { regex: pattern }
}
