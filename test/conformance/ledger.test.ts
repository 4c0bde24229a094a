import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { judge, readLedger, unknownEntries } from './ledger.ts'

const passing = { name: 'a/passes', run: () => '' }
const failing = { name: 'a/fails', run: () => '/x: 1, expected 2' }
const throwing = { name: 'a/throws', run: () => Promise.reject(new Error('no such file')) }

test('a case passes, or fails with its difference; one that throws fails', async () => {
  const none = new Map()

  assert.deepEqual(await judge(passing, none), { kind: 'passed' })
  assert.deepEqual(await judge(failing, none), { kind: 'failed', difference: '/x: 1, expected 2' })
  const verdict = await judge(throwing, none)
  assert.ok(verdict.kind === 'failed' && verdict.difference.includes('no such file'))
})

test('what the ledger has is excused while it fails, and a failure once it passes', async () => {
  const ledger = new Map([
    [passing.name, '3.0 drift'],
    [failing.name, 'k8s form'],
  ])

  assert.deepEqual(await judge(failing, ledger), { kind: 'excused', reason: 'k8s form', difference: '/x: 1, expected 2' })
  assert.equal((await judge(passing, ledger)).kind, 'failed')
  assert.deepEqual(unknownEntries(ledger, [passing]), ['a/fails'])
})

test('a ledger gives reasons that count, and pages that are there', t => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-ledger-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const read = (text: string) => {
    writeFileSync(join(folder, 'x.yaml'), text)
    return readLedger('x', folder)
  }

  assert.deepEqual(
    [...read("a: 3.0 drift\nb: 'deliberate: tokens-and-localhost'\n")],
    [
      ['a', '3.0 drift'],
      ['b', 'deliberate: tokens-and-localhost'],
    ],
  )
  assert.throws(() => read('a: too hard\n'), /"too hard" is none of/)
  assert.throws(() => read("a: 'deliberate: no-such-page'\n"), /there is no docs\/decisions\/no-such-page\.md/)
  assert.deepEqual([...readLedger('absent', folder)], [])
})
