import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultDataFolder, whyAbsent } from './data.ts'
import { judge, readLedger, unknownEntries } from './ledger.ts'
import type { ConformanceSuite } from './suite.ts'

/** Registers a suite as tests, a subtest for each case. What the ledger excuses passes; its reason is printed. */
export function testSuite(suite: ConformanceSuite): void {
  test(`conformance: ${suite.name}`, async t => {
    const folder = defaultDataFolder()
    const absent = whyAbsent(folder)
    if (absent !== undefined) return t.skip(absent)
    const ledger = readLedger(suite.name)
    const { cases, close } = await suite.open(folder)
    t.after(() => close?.())
    assert.ok(cases.length > 0, 'the data holds no case of this suite')
    assert.deepEqual(unknownEntries(ledger, cases), [], 'the ledger has entries that no case has')
    for (const one of cases) {
      await t.test(one.name, async subtest => {
        const verdict = await judge(one, ledger)
        if (verdict.kind === 'excused') subtest.diagnostic(`not met: ${verdict.reason}`)
        if (verdict.kind === 'failed') assert.fail(verdict.difference)
      })
    }
  })
}
