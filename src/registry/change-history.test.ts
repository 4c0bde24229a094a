import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ChangeHistory } from './change-history.ts'
import { CompactedError } from './store.ts'

const commit = (revision: number, size: number) => ({ revision, changes: Array(size).fill('change') as string[] })

describe('a change history', () => {
  test('gives exactly what came after a position, or says that it cannot', () => {
    const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), size: fc.integer({ min: 1, max: 30 }) }), { maxLength: 300 })
    const check = (start: number, limit: number, appended: { gap: number; size: number }[]) => {
      const history = new ChangeHistory<ReturnType<typeof commit>>(start, limit)
      const all: ReturnType<typeof commit>[] = []
      for (const { gap, size } of appended) {
        all.push(commit(history.latest + gap, size))
        history.append(all.at(-1)!)
      }

      for (let from = start - 1; from <= history.latest + 1; from++) {
        if (from < history.oldest || from > history.latest) assert.throws(() => history.after(from), CompactedError)
        else
          assert.deepEqual(
            history.after(from),
            all.filter(({ revision }) => revision > from),
          )
      }
      const kept = history.after(history.oldest).reduce((sum, { changes }) => sum + changes.length, 0)
      assert.ok(kept <= limit || history.after(history.oldest).length === 1)
    }
    fc.assert(fc.property(fc.nat(5), fc.integer({ min: 1, max: 100 }), steps, check), { numRuns: 50 })
  })

  test('wakes who waits for more, who is told to stop, and all when it is closed', async () => {
    const history = new ChangeHistory<ReturnType<typeof commit>>(0, 10)
    const stop = new AbortController()
    const woken: string[] = []
    const wait = (name: string, position: number, signal = new AbortController().signal) =>
      history.moved(position, signal).then(() => woken.push(name))
    const more = wait('more', 0)

    history.append(commit(1, 1))
    await more
    const stopped = wait('stopped', 1, stop.signal)
    const closed = wait('closed', 1)
    assert.deepEqual(woken, ['more'])
    stop.abort()
    await stopped
    assert.deepEqual(woken, ['more', 'stopped'])
    history.close()
    await closed

    assert.deepEqual(woken, ['more', 'stopped', 'closed'])
  })
})
