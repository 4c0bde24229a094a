import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposureOf, itemOfFunction, type KnownFunction } from './translate.ts'

const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:checkout'
const locality = { cloud: 'aws', account: '123456789012', region: 'eu-central-1' }
const live = { Name: 'live', FunctionVersion: '7' }
const known: KnownFunction = {
  arn,
  name: 'checkout',
  tags: {},
  exposed: { qualifier: 'live', workload: 'checkout', alias: live },
  configuration: { State: 'Active', LastUpdateStatus: 'Successful', Runtime: 'nodejs24.x' },
  endpoint: undefined,
}

function outcome(change: Partial<KnownFunction> = {}) {
  return itemOfFunction({ ...known, ...change }, locality, { type: 'Lambda' }).outcome
}

function workload(change?: Partial<KnownFunction>) {
  const result = outcome(change)
  return result.kind === 'workload' ? result.workload : assert.fail(result.reason)
}

test('an alias is invoked by its qualified ARN, at the service of its region', () => {
  const { lambda, address, ports, state, labels } = workload()

  assert.deepEqual(lambda, { arn: `${arn}:live`, payload: 'http-2.0' })
  assert.equal(address, 'lambda.eu-central-1.amazonaws.com')
  assert.deepEqual(ports, [{ name: 'main', port: 443, protocol: 'http' }])
  assert.deepEqual({ state, labels }, { state: 'ready', labels: { version: '7' } })
  assert.equal(workload({ arn: arn.replace('arn:aws:', 'arn:aws-cn:') }).address, 'lambda.eu-central-1.amazonaws.com.cn')
})

test('payload, role and endpoint are taken over', () => {
  const tags = { 'skerry.io/payload': 'passthrough', 'skerry.io/invoke-role': 'arn:aws:iam::123456789012:role/invoke' }
  const { lambda, address } = workload({ tags, endpoint: 'http://127.0.0.1:4566' })

  assert.deepEqual(lambda, {
    arn: `${arn}:live`,
    endpoint: 'http://127.0.0.1:4566',
    roleArn: tags['skerry.io/invoke-role'],
    payload: 'passthrough',
  })
  assert.equal(address, '127.0.0.1')
})

test('a payload that is none of ours leaves this function out', () => {
  const result = outcome({ tags: { 'skerry.io/payload': 'xml' } })
  assert.ok(result.kind === 'left-out')
  assert.match(result.reason, /write http-2[.]0 or passthrough/)
})

test('a function that sleeps is ready, one that failed is not', () => {
  const stateOf = (State: string, LastUpdateStatus = 'Successful') => workload({ configuration: { State, LastUpdateStatus } }).state
  assert.deepEqual(
    ['Active', 'Inactive', 'Pending', 'Failed', 'Deleting'].map(state => stateOf(state)),
    ['ready', 'ready', 'starting', 'unhealthy', 'draining'],
  )
  assert.equal(stateOf('Active', 'Failed'), 'ready')
})

test('the weights of an alias are shown, and are left to Lambda', () => {
  const alias = { ...live, RoutingConfig: { AdditionalVersionWeights: { '8': 0.1 } } }
  const item = itemOfFunction({ ...known, exposed: { ...known.exposed, alias } }, locality, { type: 'Lambda' })
  assert.equal(item.facts.versions, '7 90 %, 8 10 %')
  assert.equal(item.outcome.kind === 'workload' && item.outcome.workload.weight, undefined)
})

test('all aliases are exposed under names of their own, unless a tag names some', () => {
  const names = (tags: Record<string, string>, aliases = [live, { Name: 'beta', FunctionVersion: '8' }]) => {
    const exposure = exposureOf('checkout', tags, aliases)
    return exposure.kind === 'nothing' ? exposure.reason : exposure.exposed.map(it => `${it.workload}=${it.qualifier}`).join(' ')
  }
  assert.equal(names({}), 'checkout-live=live checkout-beta=beta')
  assert.equal(names({}, [live]), 'checkout-live=live')
  assert.equal(names({ 'skerry.io/aliases': 'live' }), 'checkout=live')
  assert.equal(names({ 'skerry.io/aliases': 'live+beta' }), 'checkout-live=live checkout-beta=beta')
  assert.equal(names({ 'skerry.io/aliases': 'latest' }), 'checkout=$LATEST')
  assert.match(names({ 'skerry.io/aliases': 'gone' }), /no alias gone/)
  assert.match(names({}, []), /no alias: make one, or set its tag skerry[.]io\/aliases to latest/)
})
