import { toJson } from '../../sdk/cty/json.ts'
import { pack, unpack, unpackObject } from '../../sdk/cty/msgpack.ts'
import type { Value } from '../../sdk/cty/value.ts'
import type { Message } from '../../sdk/wire/protobuf.ts'
import type { Handlers } from '../../sdk/wire/requests.ts'
import type { ProviderSchema, Schema } from '../provider-schema.ts'
import { fillUnknown, seedOf } from './made-up.ts'
import { planBlock } from './planned.ts'
import { blockType, wireSchema } from './schema-types.ts'

/** Told of every write-only value that a cloud would have got. */
export type OnWriteOnly = (type: string, attribute: string, value: unknown) => void

/**
 * A provider that knows the names, types and flags of a real one and talks to no cloud: what is applied is answered with made-up ids and
 * is there from then on. It finds arguments and blocks that are misspelt, missing or of the wrong type; it cannot find values that a
 * cloud would refuse.
 */
export function stubProvider(schema: ProviderSchema, onWriteOnly: OnWriteOnly = () => {}): Handlers {
  const { resource_schemas: resources, data_source_schemas: dataSources } = schema
  /** How many of the same configuration were made: they are still several things. */
  const made = new Map<string, number>()
  return {
    GetMetadata: () => ({ resources: typeNames(resources), data_sources: typeNames(dataSources), server_capabilities: capabilities }),
    GetProviderSchema: () => ({
      provider: wireSchema(schema.provider),
      resource_schemas: mapSchemas(resources),
      data_source_schemas: mapSchemas(dataSources),
      server_capabilities: capabilities,
    }),
    GetFunctions: () => ({}),
    ValidateProviderConfig: () => ({}),
    ConfigureProvider: () => ({}),
    ValidateResourceConfig: () => ({}),
    ValidateDataResourceConfig: () => ({}),
    StopProvider: () => ({}),
    UpgradeResourceState: ({ type_name, raw_state }) => {
      const type = blockType(resources[type_name]!.block)
      return { upgraded_state: pack(type, unpack(type, { json: raw_state.json })) }
    },
    ReadResource: ({ current_state, private: private_ }) => ({ new_state: current_state, private: private_ }),
    PlanResourceChange: ({ type_name, prior_state, proposed_new_state }) => {
      const { block } = resources[type_name]!
      const type = blockType(block)
      const proposed = unpackObject(type, proposed_new_state)
      if (proposed === null) return { planned_state: pack(type, null) }
      return { planned_state: pack(type, planBlock(block, proposed, unpackObject(type, prior_state) === null)) }
    },
    ApplyResourceChange: ({ type_name, planned_state, config }) => {
      const { block } = resources[type_name]!
      const type = blockType(block)
      const given = unpackObject(type, config) ?? {}
      for (const [name, { write_only }] of Object.entries(block.attributes ?? {}))
        if (write_only && given[name] !== null && given[name] !== undefined) onWriteOnly(type_name, name, toJson(given[name]))
      const planned = unpack(type, planned_state)
      const seed = seedOf(type_name, toJson(planned))
      const count = (made.get(seed) ?? 0) + 1
      made.set(seed, count)
      return { new_state: pack(type, fillUnknown(type, planned, { type: type_name, seed: `${seed}/${count}` })) }
    },
    ImportResourceState: ({ type_name, id }) => {
      const type = blockType(resources[type_name]!.block)
      const attributes = Object.keys((type as readonly ['object', object])[1])
      const unknown = Object.fromEntries(attributes.map((name): [string, Value] => [name, name === 'id' ? id : null]))
      return { imported_resources: [{ type_name, state: pack(type, unknown) }] }
    },
    ReadDataSource: ({ type_name, config }) => {
      const { block } = dataSources[type_name]!
      const type = blockType(block)
      const asked = unpackObject(type, config)!
      const answer = fillUnknown(type, planBlock(block, asked, true), { type: type_name, seed: seedOf(type_name, toJson(asked)) })
      return { state: pack(type, answer) }
    },
  }
}

const capabilities: Message = { get_provider_schema_optional: true }

function typeNames(schemas: Readonly<Record<string, Schema>>): Message[] {
  return Object.keys(schemas).map(type_name => ({ type_name }))
}

function mapSchemas(schemas: Readonly<Record<string, Schema>>): Message {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, wireSchema(schema)]))
}
