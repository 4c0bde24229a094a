import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Bench, Figure, Recorded, RecordedFigure } from './figure.ts'

/** `npm run bench -- NAME [--record] [arguments of that bench]`: measures, and prints today's figures beside the recorded ones. */
const recordedFile = join(import.meta.dirname, 'recorded.json')
const own = new Set(['main', 'figure'])
const names = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.ts') && !/(\.test|-support)\.ts$/.test(file))
  .map(file => file.slice(0, -3))
  .filter(name => !own.has(name))
  .sort()

const [name, ...args] = process.argv.slice(2)
const print = (line: string) => process.stdout.write(`${line}\n`)

if (name === undefined) {
  print('npm run bench -- NAME [--record], with one of:')
  for (const known of names) print(`  ${known.padEnd(20)} ${(await load(known)).about}`)
} else if (!names.includes(name)) {
  process.stderr.write(`there is no bench ${JSON.stringify(name)}; there are: ${names.join(', ')}\n`)
  process.exitCode = 64
} else {
  const figures = await (await load(name)).run(args.filter(arg => arg !== '--record'))
  const recorded = readRecorded()
  printFigures(figures, recorded[name] ?? {})
  if (args.includes('--record')) record(name, figures, recorded)
}

async function load(bench: string): Promise<Bench> {
  return (await import(`./${bench}.ts`)) as Bench
}

function printFigures(figures: readonly Figure[], recorded: Readonly<Record<string, RecordedFigure>>): void {
  const rows = figures.map(figure => {
    const before = recorded[figure.name]
    return [
      figure.name,
      format(figure.value, figure.unit),
      before ? `${format(before.value, before.unit)} (${before.date}${before.machine === machine() ? '' : `, ${before.machine}`})` : '-',
      goalOf(figure),
      Object.entries(figure.others ?? {})
        .map(([who, what]) => `${who} ${what}`)
        .join(', ') || '-',
    ]
  })
  const lines = [['FIGURE', 'NOW', 'RECORDED', 'GOAL', 'OTHERS'], ...rows]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  for (const line of lines)
    print(
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('   ')
        .trimEnd(),
    )
}

function goalOf({ value, unit, goal, least }: Figure): string {
  if (least !== undefined) return `≥ ${format(least, unit)} ${value >= least ? '√' : '×'}`
  return goal === undefined ? '-' : `${format(goal, unit)} ${value <= goal ? '√' : '×'}`
}

function format(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 3
  return `${value.toFixed(digits)} ${unit}`
}

function readRecorded(): Recorded {
  return JSON.parse(readFileSync(recordedFile, 'utf8')) as Recorded
}

function record(bench: string, figures: readonly Figure[], recorded: Recorded): void {
  const date = new Date().toISOString().slice(0, 10)
  const made = figures.map(({ name, value, unit }) => [name, { value: Number(value.toPrecision(4)), unit, date, machine: machine() }])
  const all = { ...recorded, [bench]: { ...recorded[bench], ...Object.fromEntries(made) } }
  writeFileSync(
    recordedFile,
    `${JSON.stringify(Object.fromEntries(Object.entries(all).sort(([a], [b]) => a.localeCompare(b))), null, 2)}\n`,
  )
}

function machine(): string {
  const { length, 0: first } = cpus()
  return `${length} × ${first?.model.trim() || 'unknown processor'}`
}
