import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNKNOWN } from '../../sdk/cty/value.ts'
import type { BlockSchema } from '../provider-schema.ts'
import { fillUnknown } from './made-up.ts'
import { planBlock } from './planned.ts'
import { blockType } from './schema-types.ts'

const block: BlockSchema = {
  attributes: {
    arn: { type: 'string', computed: true },
    name: { type: 'string', optional: true, computed: true },
    note: { type: 'string', optional: true },
    secret_wo: { type: 'string', optional: true, write_only: true },
  },
  block_types: {
    one: { nesting_mode: 'list', block: { attributes: { id: { type: 'string', computed: true } } } },
    rule: { nesting_mode: 'set', block: { attributes: { id: { type: 'string', computed: true } } } },
  },
}
const proposed = { arn: null, name: null, note: null, secret_wo: 'a token', one: [{ id: null }], rule: [{ id: null }] }

test('what is computed is unknown when a thing is made, and never what is only written', () => {
  assert.deepEqual(planBlock(block, proposed, true), {
    ...{ arn: UNKNOWN, name: UNKNOWN, note: null, secret_wo: null },
    ...{ one: [{ id: UNKNOWN }], rule: [{ id: null }] },
  })
})

test('what is there stays as it was', () => {
  const there = { ...proposed, arn: 'arn:aws:x', name: 'given', secret_wo: null }

  assert.deepEqual(planBlock(block, there, false), there)
})

test('what is made up depends on the seed alone, and nothing stays unknown', () => {
  const planned = planBlock(block, proposed, true)
  const make = (seed: string) => fillUnknown(blockType(block), planned, { type: 'aws_lb', seed })

  assert.deepEqual(make('a'), make('a'))
  assert.notDeepEqual(make('a'), make('b'))
  assert.match((make('a') as { arn: string }).arn, /^arn:aws:lb:eu-central-1:123456789012:aws_lb\//)
  assert.doesNotMatch(JSON.stringify(make('a')), /unknown/)
})
