import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { laws } from './policy/laws.ts'
import { loadRules, rulesFolder } from './policy/load-rules.ts'
import { type Mutant, mutants } from './policy/mutants.ts'

const scratch = mkdtempSync(join(tmpdir(), 'policy-mutants-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** The rules with a mistake in them, in a tree in which their imports lead to the project. */
function seed({ file, text, replacement }: Mutant, index: number): string {
  const policy = join(scratch, String(index), 'src/policy')
  mkdirSync(policy, { recursive: true })
  symlinkSync(resolve(rulesFolder, '../../model'), join(policy, '../model'))
  cpSync(rulesFolder, join(policy, 'rules'), { recursive: true, filter: path => !path.endsWith('.test.ts') })
  const source = readFileSync(join(policy, 'rules', file), 'utf8')
  assert.equal(source.split(text).length, 2, `${file} has the text once: ${text}`)
  writeFileSync(
    join(policy, 'rules', file),
    source.replace(text, () => replacement),
  )
  return join(policy, 'rules')
}

/** The same worlds each time: a mistake that is found today is found tomorrow. Most are found in a few. */
const few = { seed: 7, numRuns: 20, endOnFailure: true }
const many = { ...few, numRuns: 300 }

test('the laws of policies find every mistake that is put into the rules', async t => {
  const sound = await loadRules()
  for (const { name, check } of laws) assert.doesNotThrow(() => check(sound, many), name)

  for (const [index, one] of mutants.entries()) {
    await t.test(one.mistake, async subtest => {
      const rules = await loadRules(seed(one, index))
      const breaks = (options: typeof few) => laws.find(({ check }) => fails(() => check(rules, options)))
      const broken = breaks(few) ?? breaks(many)
      assert.ok(broken, 'no law is broken')
      subtest.diagnostic(`broken: ${broken.name}`)
    })
  }
})

function fails(check: () => void): boolean {
  try {
    check()
    return false
  } catch {
    return true
  }
}
