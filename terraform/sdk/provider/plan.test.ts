import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNKNOWN, type Value } from '../cty/value.ts'
import { planChange } from './plan.ts'
import type { Attributes } from './schema.ts'

const attributes: Attributes = {
  id: { type: 'string', computed: true },
  revision: { type: 'number', computed: true, isVolatile: true },
  name: { type: 'string', required: true, replaces: true },
  wait: { type: 'string', optional: true, isSame: (a, b) => inMs(a) === inMs(b) },
  secret: { type: 'string', optional: true, writeOnly: true },
  ports: {
    optional: true,
    nested: {
      nesting: 'list',
      attributes: {
        port: { type: 'number', required: true },
        protocol: { type: 'string', default: 'tcp' },
        uid: { type: 'string', computed: true },
      },
    },
  },
}

const inMs = (value: Value) => String(value).replace(/^(\d+)s$/, '$1000ms')

const prior = { id: '1', revision: 7, name: 'x', wait: '1s', secret: null, ports: [{ port: 80, protocol: 'tcp', uid: 'a' }] }
const config = { id: null, revision: null, name: 'x', wait: '1s', secret: 'psst', ports: [{ port: 80, protocol: null, uid: null }] }

const plan = (change: object, before: typeof prior | null = prior) => {
  const wanted = { ...config, ...change }
  return planChange(attributes, wanted, before, {
    ...before,
    ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null)),
  })
}

test('of a new object all that is computed is unknown, and defaults are known', () => {
  const { planned, replaces } = plan({}, null)

  assert.deepEqual(planned, {
    id: UNKNOWN,
    revision: UNKNOWN,
    name: 'x',
    wait: '1s',
    secret: null,
    ports: [{ port: 80, protocol: 'tcp', uid: UNKNOWN }],
  })
  assert.deepEqual(replaces, [])
})

test('what has not changed is not planned to change, revision included', () => {
  assert.deepEqual(plan({}).planned, prior)
})

test('a change makes unknown what any change may alter, and nothing else', () => {
  const { planned } = plan({ wait: '2s' })

  assert.deepEqual(planned, { ...prior, wait: '2s', revision: UNKNOWN })
})

test('another spelling keeps the earlier one, and is no change', () => {
  assert.deepEqual(plan({ wait: '1000ms' }).planned, prior)
})

test('what cannot change makes another object, of which all that is computed is unknown', () => {
  const { planned, replaces } = plan({ name: 'y' })

  assert.deepEqual(replaces, ['name'])
  assert.equal(planned.id, UNKNOWN)
})

test('a name that is not known yet replaces the object, since it may be another', () => {
  assert.deepEqual(plan({ name: UNKNOWN }).replaces, ['name'])
})

test('an element that is added to a list is new, the ones before it are not', () => {
  const { planned } = plan({ ports: [...config.ports, { port: 81, protocol: 'udp', uid: null }] })

  assert.deepEqual(planned.ports, [
    { port: 80, protocol: 'tcp', uid: 'a' },
    { port: 81, protocol: 'udp', uid: UNKNOWN },
  ])
})

test('a default comes back when what was configured is removed', () => {
  const before = { ...prior, ports: [{ port: 80, protocol: 'udp', uid: 'a' }] }

  assert.deepEqual(plan({}, before).planned.ports, [{ port: 80, protocol: 'tcp', uid: 'a' }])
})

test('what is only written is never planned', () => {
  assert.equal(plan({}).planned.secret, null)
  assert.equal(plan({}, null).planned.secret, null)
})
