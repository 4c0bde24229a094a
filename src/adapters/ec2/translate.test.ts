import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RawInstance, translateInstance } from './translate.ts'

const locality = { cloud: 'aws', account: '123456789012', region: 'eu-central-1' }
const instance: RawInstance = {
  InstanceId: 'i-0abc',
  PrivateIpAddress: '10.0.2.3',
  State: { Name: 'running' },
  Placement: { AvailabilityZone: 'eu-central-1c' },
  InstanceType: 't4g.small',
  Tags: [
    { Key: 'Name', Value: 'Billing DB 1' },
    { Key: 'skerry.io/service', Value: 'billing' },
    { Key: 'skerry.io/port', Value: '5432' },
  ],
}

function translated(change: Partial<RawInstance> = {}) {
  return translateInstance({ ...instance, ...change }, locality, { type: 'EC2' })
}

function workload(change?: Partial<RawInstance>) {
  const result = translated(change)
  const outcome = result.kind === 'item' ? result.item.outcome : assert.fail('it is gone')
  return outcome.kind === 'workload' ? outcome.workload : assert.fail(outcome.reason)
}

test('an instance is what its tags say, at its private address and in its zone', () => {
  const { workload: name, address, ports, state, locality: where } = workload()

  assert.deepEqual({ name, address, state }, { name: 'billing', address: '10.0.2.3', state: 'ready' })
  assert.deepEqual(ports, [{ name: '5432', port: 5432, protocol: 'tcp' }])
  assert.deepEqual(where, { ...locality, zone: 'eu-central-1c' })
})

test('one without a tag for its service has the name of the instance, or of its group', () => {
  const port = { Key: 'skerry.io/port', Value: '80' }
  assert.equal(workload({ Tags: [port, { Key: 'Name', Value: 'Web Front' }] }).workload, 'web-front')
  assert.equal(workload({ Tags: [port, { Key: 'aws:autoscaling:groupName', Value: 'web' }] }).workload, 'web')
})

test('one with IPv6 alone is reached there', () => {
  assert.equal(workload({ PrivateIpAddress: undefined, Ipv6Address: '2001:db8::5' }).address, '2001:db8::5')
})

test('one without a port is left out, with what to do', () => {
  const result = translated({ Tags: [{ Key: 'skerry.io/service', Value: 'web' }] })
  assert.ok(result.kind === 'item' && result.item.outcome.kind === 'left-out')
  assert.match(result.item.outcome.reason, /skerry[.]io\/port/)
})

test('its state says whether it is called, and when it is gone', () => {
  const stateOf = (Name: string) => {
    const result = translated({ State: { Name }, StateReason: { Message: 'Client.UserInitiatedShutdown' } })
    if (result.kind === 'gone') return `gone: ${result.gone.reason}`
    return result.item.outcome.kind === 'workload' ? result.item.outcome.workload.state : 'left out'
  }
  assert.deepEqual(['pending', 'running', 'stopping', 'shutting-down', 'stopped', 'terminated', 'odd'].map(stateOf), [
    'starting',
    'ready',
    'draining',
    'draining',
    'gone: stopped: Client.UserInitiatedShutdown',
    'gone: terminated: Client.UserInitiatedShutdown',
    'starting',
  ])
})
