import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Presence, PresenceListener } from '../registry/presence.ts'
import { ManualClock } from '../std/clock.ts'
import type { ZoneLink } from '../sync/zone-link.ts'
import { type Holder, Replicas } from './replicas.ts'

/** Processes that hear each other at once. */
class Hub {
  readonly #listeners = new Map<string, PresenceListener>()
  readonly #said = new Map<string, Map<string, string>>()
  /** `process name`, in order. */
  readonly log: string[] = []

  join(process: string): Presence {
    const said = new Map<string, string>()
    this.#said.set(process, said)
    const tell = (name: string, value: string | undefined) => {
      for (const [other, listener] of this.#listeners) if (other !== process) listener(process, name, value)
    }
    return {
      say: (name, value) => {
        this.log.push(`${process} ${name}`)
        if (value === undefined) said.delete(name)
        else said.set(name, value)
        tell(name, value)
      },
      follow: listener => {
        this.#listeners.set(process, listener)
        for (const [other, facts] of this.#said) if (other !== process) for (const fact of facts) listener(other, ...fact)
      },
      close: async () => {
        this.#listeners.delete(process)
        for (const name of said.keys()) tell(name, undefined)
        said.clear()
      },
    }
  }
}

function aReplica(hub: Hub, instance: string, clock = new ManualClock()) {
  const presence = hub.join(instance)
  const links: { link: ZoneLink; holder: Holder }[] = []
  const replicas = new Replicas({ presence, clock, onLink: (link, holder) => links.push({ link, holder }) })
  const last = () => {
    const { link, holder } = links.at(-1)!
    return [link.connected, holder.kind === 'here' ? 'here' : holder.instance]
  }
  return { replicas, presence, links, last }
}

function aLink(facts: Partial<ZoneLink> = {}): ZoneLink {
  return {
    ...{ zone: 'east', connected: true, since: 1000, lastHeard: 0, instance: 'process-1', version: '1', revision: 1, owedRevision: 0 },
    ...{ heldRevision: 0, behind: [], resources: {}, refused: [], lastError: undefined, state: '' },
    ...facts,
  }
}

test('every replica knows of a zone that one of them has, also one that comes later', () => {
  const hub = new Hub()
  const [a, b] = [aReplica(hub, 'a'), aReplica(hub, 'b')]

  a.replicas.tellLink(aLink())
  const c = aReplica(hub, 'c')

  assert.deepEqual(
    [a.last(), b.last(), c.last()],
    [
      [true, 'here'],
      [true, 'a'],
      [true, 'a'],
    ],
  )
})

test('of heartbeats the others are not told', () => {
  const hub = new Hub()
  const a = aReplica(hub, 'a')

  a.replicas.tellLink(aLink())
  for (const lastHeard of [5000, 10_000]) a.replicas.tellLink(aLink({ lastHeard, revision: lastHeard }))
  a.replicas.tellLink(aLink({ state: '{"connected":1}' }))

  assert.deepEqual(hub.log, ['a zone/east', 'a zone/east'])
  assert.equal(a.links.length, 4)
})

test('a zone that went over to another replica stays connected when the remnant of its old connection ends', () => {
  const hub = new Hub()
  const [a, b, c] = [aReplica(hub, 'a'), aReplica(hub, 'b'), aReplica(hub, 'c')]
  a.replicas.tellLink(aLink({ since: 1000 }))

  b.replicas.tellLink(aLink({ since: 2000 }))
  assert.deepEqual(
    [a.last(), b.last(), c.last()],
    [
      [true, 'b'],
      [true, 'here'],
      [true, 'b'],
    ],
  )

  a.replicas.tellLink(aLink({ since: 3000, connected: false }))
  assert.deepEqual(
    [a.last(), b.last(), c.last()],
    [
      [true, 'b'],
      [true, 'here'],
      [true, 'b'],
    ],
  )
})

test('when a replica dies, its zones are connected no longer', async () => {
  const hub = new Hub()
  const clock = new ManualClock()
  const [a, b] = [aReplica(hub, 'a'), aReplica(hub, 'b', clock)]
  a.replicas.tellLink(aLink())
  a.replicas.tellReach('east', true)
  a.replicas.tellAddress('10.0.0.1:5685')
  assert.deepEqual(b.replicas.reachedAt('east'), { instance: 'a', address: '10.0.0.1:5685' })

  await a.presence.close()

  assert.deepEqual(b.last(), [false, 'a'])
  assert.equal(b.links.at(-1)!.link.since, clock.now())
  assert.equal(b.replicas.reachedAt('east'), undefined)
})
