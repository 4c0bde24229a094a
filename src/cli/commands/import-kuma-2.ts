import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Imported, importKuma2 } from '../../convert/kuma-2/import.ts'
import type { ImportedResource } from '../../convert/kuma-2/output.ts'
import { readSource, type Source } from '../../convert/kuma-2/source.ts'
import type { FieldReport, Outcome } from '../../convert/report.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type FieldPath, parseField } from '../field-path.ts'
import { parseItems } from '../file-objects.ts'
import { badFile, readTexts } from '../files.ts'
import type { Io } from '../io.ts'
import { toYaml } from '../output/format.ts'
import { formatTable } from '../output/table.ts'

interface FoundSource {
  readonly source: Source
  place(path: FieldPath): string
}

/** Turns Kuma 2 objects into resources: those to stdout or into files, what became of every field to stderr. Talks to no control plane. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, format, io, zone } = invocation
  const found = await readSources((options.filename as readonly string[] | undefined) ?? [], invocation.mesh, io)
  const zones = [...((options.zones as readonly string[] | undefined) ?? []), ...(zone === undefined ? [] : [zone])]
  const imported = importKuma2(
    found.map(({ source }) => source),
    { zones },
  )
  const counts = countOutcomes(imported)
  if (options.out !== undefined) await writeResources(resolve(io.cwd, options.out as string), imported.resources, io)
  if (format === 'json') io.out(`${JSON.stringify(asJson(imported, found, counts), null, 2)}\n`)
  else {
    if (format === 'name') for (const { body } of imported.resources) io.out(`${body.type}/${body.name}\n`)
    else if (options.out === undefined) io.out(await asYaml(imported.resources))
    io.err(reportTable(imported, found, options.all === true))
    io.err(
      `${found.length} objects → ${imported.resources.length} resources; fields: ${counts.kept} kept, ${counts.approximated} approximated, ${counts.dropped} dropped\n`,
    )
  }
  return options.strict === true && counts.dropped > 0 ? exitCodes.partlyApplied : exitCodes.ok
}

async function readSources(paths: readonly string[], defaultMesh: string, io: Io): Promise<FoundSource[]> {
  if (paths.length === 0) throw usageError('which file?', 'name one with -f FILE, a directory with -f DIR, or stdin with -f -')
  const sources: FoundSource[] = []
  const problems: string[] = []
  for (const { name, text } of await readTexts(paths, io)) {
    const parsed = parseItems(name, text)
    problems.push(...parsed.problems)
    for (const { value, place } of parsed.items) {
      const read = readSource(value, defaultMesh)
      if (read.kind === 'ok') sources.push({ source: read.source, place })
      else problems.push(`${place(read.path)}: ${read.reason}`)
    }
  }
  if (problems.length > 0) throw badFile(problems.join('\n'), 'correct the file at that place and import it again; nothing was written')
  if (sources.length === 0) throw badFile(`${paths.join(', ')}: no objects in there`, 'an object has type: and name: at its top')
  return sources
}

function countOutcomes({ reports }: Imported): Record<Outcome, number> {
  const counts = { kept: 0, approximated: 0, dropped: 0 }
  for (const { fields } of reports) for (const { outcome } of fields) counts[outcome]++
  return counts
}

function asJson({ resources, reports }: Imported, found: readonly FoundSource[], counts: Record<Outcome, number>): object {
  return {
    resources: resources.map(({ body, ...about }) => ({ ...about, resource: body })),
    report: reports.map((report, index) => ({
      ...report,
      place: found[index]!.place([]),
      fields: report.fields.map(it => ({ ...it, place: found[index]!.place(parseField(it.field)) })),
    })),
    fields: counts,
  }
}

/** What is not as it was; `all`: what is, too, each field in a row of its own. */
function reportTable({ resources, reports }: Imported, found: readonly FoundSource[], all: boolean): string {
  const rows = reports.flatMap(({ type, name, fields }, index) =>
    (all ? fields.map(it => [it]) : alike(fields.filter(({ outcome }) => outcome !== 'kept'))).map(([first, ...more]) => {
      const { field, outcome, note = '' } = first!
      const shown = more.length === 0 ? field : `${field} and ${more.length} more`
      return [found[index]!.place(parseField(field)), `${type}/${name}`, shown, outcome, note]
    }),
  )
  const added = resources.flatMap(({ body, because, from }) =>
    because === undefined ? [] : [['', `${from.type}/${from.name}`, '', 'added', `${body.type} ${body.name}: ${because}`]],
  )
  if (rows.length === 0 && added.length === 0) return ''
  return formatTable({ columns: ['PLACE', 'OBJECT', 'FIELD', 'OUTCOME', 'NOTE'], rows: [...rows, ...added] }, { headers: true })
}

/** Fields of an object of which the same is to be said, together: what is dropped as a whole has many. */
function alike(fields: readonly FieldReport[]): FieldReport[][] {
  return [...Map.groupBy(fields, ({ outcome, note }) => `${outcome} ${note}`).values()]
}

/** One file, or – where the name is of no YAML file – a directory with one for each control plane that takes them. */
async function writeResources(path: string, resources: readonly ImportedResource[], io: Io): Promise<void> {
  if (/[.]ya?ml$/.test(path)) return write(path, resources, io)
  await mkdir(path, { recursive: true })
  for (const [file, its] of Map.groupBy(resources, fileOf)) await write(join(path, file), its, io)
}

function fileOf({ on, zone }: ImportedResource): string {
  if (on === 'global') return 'global.yaml'
  return zone === undefined ? 'zone.yaml' : `zone-${zone.replaceAll(/[^\w.-]/g, '_')}.yaml`
}

/** For the owner alone: secrets may be among them. */
async function write(file: string, resources: readonly ImportedResource[], io: Io): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, await asYaml(resources), { mode: 0o600 })
  io.err(`wrote ${file}: ${resources.length} resources\n`)
}

/** Each with the control plane that takes it. */
async function asYaml(resources: readonly ImportedResource[]): Promise<string> {
  const texts = resources.map(async ({ on, zone, body }) => {
    const where = on === 'global' ? 'the global control plane' : zone === undefined ? 'the control plane of its zone' : `zone ${zone}`
    return `# for ${where}\n${await toYaml([body])}`
  })
  return (await Promise.all(texts)).join('---\n')
}
