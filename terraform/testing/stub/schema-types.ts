import type { ObjectTypes, Type } from '../../sdk/cty/type.ts'
import type { Message } from '../../sdk/wire/protobuf.ts'
import type { AttributeSchema, BlockSchema, NestingMode, Schema } from '../provider-schema.ts'

/** The type of the values of a block: an object of its attributes and nested blocks. */
export function blockType(block: BlockSchema): Type {
  const attributes = Object.entries(block.attributes ?? {}).map(([name, attribute]) => [name, attributeType(attribute)] as const)
  const blocks = Object.entries(block.block_types ?? {}).map(
    ([name, nested]) => [name, within(nested.nesting_mode, blockType(nested.block))] as const,
  )
  return ['object', Object.fromEntries([...attributes, ...blocks])]
}

function attributeType({ type, nested_type: nested }: AttributeSchema): Type {
  if (type !== undefined) return type
  const attributes: ObjectTypes = Object.fromEntries(
    Object.entries(nested!.attributes).map(([name, attribute]) => [name, attributeType(attribute)]),
  )
  return within(nested!.nesting_mode, ['object', attributes])
}

function within(mode: NestingMode, type: Type): Type {
  return mode === 'single' ? type : [mode, type]
}

/** The numbers are the same for nested blocks and nested attributes. https://github.com/hashicorp/terraform/tree/main/docs/plugin-protocol */
const nestings: Readonly<Record<NestingMode, number>> = { single: 1, list: 2, set: 3, map: 4 }

export function wireSchema({ version, block }: Schema): Message {
  return { version, block: wireBlock(block) }
}

function wireBlock(block: BlockSchema): Message {
  return {
    attributes: wireAttributes(block.attributes ?? {}),
    block_types: Object.entries(block.block_types ?? {}).map(([type_name, nested]) => ({
      type_name,
      nesting: nestings[nested.nesting_mode],
      block: wireBlock(nested.block),
      ...(nested.min_items === undefined ? {} : { min_items: nested.min_items }),
      ...(nested.max_items === undefined ? {} : { max_items: nested.max_items }),
    })),
  }
}

function wireAttributes(attributes: Readonly<Record<string, AttributeSchema>>): Message[] {
  return Object.entries(attributes).map(([name, { type, nested_type: nested, ...flags }]) => ({
    name,
    ...flags,
    ...(nested === undefined
      ? { type: Buffer.from(JSON.stringify(type)) }
      : { nested_type: { nesting: nestings[nested.nesting_mode], attributes: wireAttributes(nested.attributes) } }),
  }))
}
