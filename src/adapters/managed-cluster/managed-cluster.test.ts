import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import { type OpenAdapter, type Source, SourceCallError } from '../adapter.ts'
import { freshToken } from './fresh-token.ts'
import { type CloudCluster, type CloudClusterListing, managedClusters } from './managed-cluster.ts'
import { testDeps } from './testing.ts'

const source: Source = { mesh: 'default', name: 'clusters', spec: { type: 'EKS', aws: { regions: ['eu-central-1'] } } }
const signal = AbortSignal.timeout(60_000)
const nothing = { complete: true, missing: [], items: [], gone: [], pages: 1 }

/** A cloud with these clusters, and what became of the connections to them. */
class FakeCloud {
  listing: CloudClusterListing = { complete: true, missing: [], clusters: [] }
  readonly opened: string[] = []
  readonly closed: string[] = []
  fails: Error | null = null
  readonly adapter = managedClusters(
    { list: async () => this.listing, [Symbol.asyncDispose]: async () => {} },
    source,
    testDeps(),
    async connection => {
      this.opened.push(connection.id)
      return {
        list: async () => {
          if (this.fails) throw this.fails
          return nothing
        },
        [Symbol.asyncDispose]: async () => void this.closed.push(connection.id),
      } as unknown as OpenAdapter
    },
  )

  has(clusters: readonly CloudCluster[], complete = true): void {
    this.listing = { complete, missing: complete ? [] : ['a region does not answer'], clusters }
  }

  async list(id: string): Promise<unknown> {
    return this.adapter.list({ id, locality: {} }, signal)
  }
}

function aCluster(id: string, extra: Partial<CloudCluster> = {}): CloudCluster {
  const connection = { id, locality: {}, server: 'https://cluster', credentials: { kind: 'token' as const, token: async () => 't' } }
  return { id, locality: { cluster: id }, reachedBy: 'https://cluster', connect: async () => connection, ...extra }
}

test('each cluster is a scope, connected to once and when it is listed first', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a'), aCluster('b', { identity: 'uid' })])

  const { scopes } = await cloud.adapter.scopes(signal)
  await cloud.list('a')
  await cloud.list('a')

  assert.deepEqual(scopes, [
    { id: 'a', locality: { cluster: 'a' } },
    { id: 'b', locality: { cluster: 'b' }, identity: 'uid' },
  ])
  assert.deepEqual(cloud.opened, ['a'])
})

test('a cluster that an incomplete listing lacks stays connected', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a')])
  await cloud.adapter.scopes(signal)
  await cloud.list('a')

  cloud.has([], false)
  const listing = await cloud.adapter.scopes(signal)
  await cloud.list('a')

  assert.equal(listing.complete, false)
  assert.deepEqual({ opened: cloud.opened, closed: cloud.closed }, { opened: ['a'], closed: [] })
})

test('a cluster that a complete listing lacks is let go of', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a')])
  await cloud.adapter.scopes(signal)
  await cloud.list('a')

  cloud.has([])
  await cloud.adapter.scopes(signal)

  assert.deepEqual(cloud.closed, ['a'])
})

test('a cluster that moves, or is stopped, is not asked where it was', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a')])
  await cloud.adapter.scopes(signal)
  await cloud.list('a')

  cloud.has([aCluster('a', { reachedBy: 'https://elsewhere' })])
  await cloud.adapter.scopes(signal)
  await cloud.list('a')
  cloud.has([aCluster('a', { reachedBy: 'https://elsewhere', suspended: 'the cluster is stopped' })])
  const { scopes } = await cloud.adapter.scopes(signal)

  assert.equal(scopes[0]?.suspended, 'the cluster is stopped')
  assert.deepEqual({ opened: cloud.opened, closed: cloud.closed }, { opened: ['a', 'a'], closed: ['a', 'a'] })
})

test('a cluster that cannot be reached, or denies us, is connected to anew', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a')])
  await cloud.adapter.scopes(signal)
  for (const what of ['denied', 'unreachable', 'throttled'] as const) {
    cloud.fails = new SourceCallError(what, what)
    await assert.rejects(cloud.list('a'), { what })
  }

  assert.deepEqual({ opened: cloud.opened.length, closed: cloud.closed.length }, { opened: 3, closed: 2 })
})

test('a cluster whose connection could not be made is asked of the cloud again', async () => {
  const cloud = new FakeCloud()
  let attempts = 0
  const cluster = aCluster('a')
  const connect = (signal: AbortSignal) => {
    if (++attempts === 1) return Promise.reject(new SourceCallError('throttled', 'too many'))
    return cluster.connect(signal)
  }
  cloud.has([{ ...cluster, connect }])
  await cloud.adapter.scopes(signal)

  await assert.rejects(cloud.list('a'), { what: 'throttled' })
  assert.deepEqual(await cloud.list('a'), nothing)
})

test('what is closed lets go of every cluster', async () => {
  const cloud = new FakeCloud()
  cloud.has([aCluster('a'), aCluster('b')])
  await cloud.adapter.scopes(signal)
  await Promise.all([cloud.list('a'), cloud.list('b')])

  await cloud.adapter[Symbol.asyncDispose]()

  assert.deepEqual(cloud.closed.toSorted(), ['a', 'b'])
})

test('a token serves until it is old, refused, or could not be made', async () => {
  const clock = new ManualClock()
  let made = 0
  let fails = false
  const token = freshToken(
    async () => {
      made++
      if (fails) throw new Error('no token')
      return `token-${made}`
    },
    60_000,
    clock,
  )

  assert.deepEqual([await token(), await token()], ['token-1', 'token-1'])
  clock.advance(60_000)
  assert.equal(await token(), 'token-2')
  assert.equal(await token('token-1'), 'token-2', 'one that was refused before this one was made')
  assert.equal(await token('token-2'), 'token-3')
  clock.advance(60_000)
  fails = true
  await assert.rejects(token(), /no token/)
  fails = false
  assert.equal(await token(), 'token-5')
})
