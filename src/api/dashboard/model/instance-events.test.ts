import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dataplane } from '../../../model/kinds/dataplane.ts'
import { type InstanceSight, instanceEvent } from './instance-events.ts'

const dataplane = {
  kind: 'Dataplane',
  mesh: 'default',
  name: 'vm-1',
  labels: { 'kuma.io/workload': 'web', 'skerry.io/proxy': 'none', 'kuma.io/zone': 'east' },
  spec: { networking: { address: '10.0.0.7', inbound: [{ port: 8080 }] } },
} as unknown as Dataplane

const sight = (...reasons: string[]): InstanceSight => ({
  dataplane,
  zone: 'east',
  notReady: reasons.map((reason, index) => ({ inbound: `port-${index}`, reason })),
})

for (const [what, before, now, expected] of [
  ['one that is registered and not well yet is no news', undefined, sight('not asked yet'), null],
  ['one that is called from now on', sight('not asked yet'), sight(), ['instance.ready', 'vm-1 in zone east is called']],
  ['one that is called at once', undefined, sight(), ['instance.ready', 'vm-1 in zone east is called']],
  ['one that goes on as it was', sight(), sight(), null],
  [
    'one that is called no more, with each reason once',
    sight(),
    sight('gone', 'gone'),
    ['instance.not-ready', 'vm-1 in zone east is not called: gone'],
  ],
  ['another reason for the same is no news', sight('a'), sight('b'), null],
  ['one that leaves after it was lost', sight('lost'), undefined, ['instance.removed', 'vm-1 left the registry: lost']],
  ['one that leaves', sight(), undefined, ['instance.removed', 'vm-1 left the registry']],
  ['none before and none now', undefined, undefined, null],
] as const) {
  test(what, () => {
    const event = instanceEvent(before, now)

    assert.deepEqual(event && [event.type, event.message], expected)
    if (event) assert.deepEqual([event.subject.name, event.subject.zone], ['vm-1', 'east'])
  })
}
