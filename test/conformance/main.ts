import { parseArgs } from 'node:util'
import { defaultDataFolder, whyAbsent } from './data.ts'
import { judge, readLedger, unknownEntries } from './ledger.ts'
import type { ConformanceSuite } from './suite.ts'
import { suites } from './suites.ts'

const usage = `npm run conformance -- [--data DIR] [--suite ${Object.keys(suites).join('|')}] [--black-box [URL]] [--verbose]

--data DIR     Kuma's test data (default: $SKERRY_CONFORMANCE/kuma, else beside the project)
--suite NAME   only this one; may be given again
--black-box    the API suite over HTTP alone, against a control plane that is started for it
  URL          … against the one that runs there (its resources are deleted between cases; token in SKERRY_TOKEN)
--verbose      also what the ledger excuses, with the difference`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    suite: { type: 'string', multiple: true },
    'black-box': { type: 'boolean' },
    verbose: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

if (values.help) console.error(usage)
else process.exitCode = await run()

async function run(): Promise<number> {
  const folder = values.data ?? defaultDataFolder()
  const absent = whyAbsent(folder)
  const chosen = chosenSuites()
  const totals = { passed: 0, failed: 0, excused: 0, skipped: 0 }
  for (const suite of chosen) {
    const counted = absent === undefined ? await runSuite(await suite(), folder) : { passed: 0, failed: 0, excused: 0, skipped: 1 }
    for (const key of ['passed', 'failed', 'excused', 'skipped'] as const) totals[key] += counted[key]
  }
  if (absent !== undefined) print(`skipped: ${absent}`)
  print(`ℹ tests ${totals.passed + totals.excused + totals.failed + totals.skipped}`)
  print(`ℹ pass ${totals.passed + totals.excused}`)
  print(`ℹ fail ${totals.failed}`)
  print(`ℹ skipped ${totals.skipped}`)
  return totals.failed > 0 ? 1 : 0
}

async function runSuite(suite: ConformanceSuite, folder: string) {
  const ledger = readLedger(suite.name)
  const { cases, close } = await suite.open(folder)
  const counted = { passed: 0, failed: 0, excused: 0, skipped: 0 }
  try {
    for (const name of unknownEntries(ledger, cases)) {
      counted.failed++
      print(`✖ ${suite.name}: ${name}\n    the ledger has it, the data has not`)
    }
    for (const one of cases) {
      const verdict = await judge(one, ledger)
      counted[verdict.kind]++
      if (verdict.kind === 'failed') print(`✖ ${suite.name}: ${one.name}\n${indented(verdict.difference)}`)
      if (verdict.kind === 'excused' && values.verbose)
        print(`~ ${suite.name}: ${one.name}: ${verdict.reason}\n${indented(verdict.difference)}`)
    }
  } finally {
    await close?.()
  }
  print(`${suite.name}: ${counted.passed} passed, ${counted.failed} failed, ${counted.excused} not met as the ledger says`)
  return counted
}

function chosenSuites(): (() => Promise<ConformanceSuite>)[] {
  if (positionals.length > (values['black-box'] ? 1 : 0)) throw new Error(`what is ${positionals.at(-1)}?\n${usage}`)
  if (values['black-box']) return [async () => (await import('./api-black-box.ts')).blackBoxSuite(positionals[0])]
  const names = values.suite ?? Object.keys(suites)
  return names.map(name => {
    const suite = suites[name]
    if (suite === undefined) throw new Error(`there is no suite ${name}: ${Object.keys(suites).join(', ')}`)
    return suite
  })
}

function indented(text: string): string {
  return text
    .split('\n')
    .slice(0, 12)
    .map(line => `    ${line}`)
    .join('\n')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
