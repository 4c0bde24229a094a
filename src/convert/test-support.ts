import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { fromWire } from '../model/wire.ts'
import { type Imported, importKuma2 } from './kuma-2/import.ts'
import type { ImportedResource } from './kuma-2/output.ts'
import { readSource } from './kuma-2/source.ts'
import type { WorldOptions } from './kuma-2/world.ts'
import type { FieldReport } from './report.ts'

/** The objects of a YAML text. */
export function objectsOf(yaml: string): unknown[] {
  return parseAllDocuments(yaml).flatMap(document => {
    if (document.errors.length > 0) throw document.errors[0]
    const value: unknown = document.toJS()
    return value === null ? [] : [value]
  })
}

/** A file of `testdata`. */
export function sample(name: string): unknown[] {
  return objectsOf(readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8'))
}

export function importObjects(objects: readonly unknown[], options: WorldOptions = {}): Imported {
  const sources = objects.map(value => {
    const read = readSource(value)
    if (read.kind === 'unreadable') throw new Error(`${read.path.join('.')}: ${read.reason}`)
    return read.source
  })
  return importKuma2(sources, options)
}

export interface Told {
  /** By `kind/name`, or `kind/name@zone` for what a zone takes. */
  readonly resources: Readonly<Record<string, ImportedResource['body']>>
  /** Of what is not as it was: `name field` → `outcome: note`. */
  readonly changes: Readonly<Record<string, string>>
}

/** What comes of a text, for comparing. */
export function told(yaml: string, options: WorldOptions = {}): Told {
  const { resources, reports } = importObjects(objectsOf(yaml), options)
  const keyOf = ({ body, zone }: ImportedResource) => `${body.type}/${body.name}${zone === undefined ? '' : `@${zone}`}`
  const changed = reports.flatMap(({ name, fields }) =>
    fields
      .filter(({ outcome }) => outcome !== 'kept')
      .map(({ field, outcome, note }) => [`${name} ${field}`, `${outcome}: ${note}`] as const),
  )
  return { resources: Object.fromEntries(resources.map(it => [keyOf(it), it.body])), changes: Object.fromEntries(changed) }
}

/** The spec of a resource, whatever its shape. */
export function specOf(body: ImportedResource['body'] | undefined): unknown {
  if (body === undefined) return undefined
  const { type: _, name: __, mesh: ___, labels: ____, spec, ...flat } = body
  return spec ?? flat
}

/** What an import breaks of its promises, in words; empty = nothing. */
export function brokenPromises(objects: readonly unknown[], options: WorldOptions = {}): string[] {
  const { resources, reports } = importObjects(objects, options)
  const invalid = resources.flatMap(({ body }) => {
    const read = fromWire(body, { strict: true })
    return read.kind === 'ok' ? [] : [`${body.type} ${body.name}: ${JSON.stringify(read.violations)}`]
  })
  const keys = resources.map(({ body, zone }) => `${body.type}/${String(body.mesh)}/${body.name}@${zone}`)
  const repeated = keys.filter((key, index) => keys.indexOf(key) < index).map(key => `${key} is there twice`)
  const misreported = reports.flatMap((report, index) => {
    const [expected, actual] = [countLeaves(objects[index]), report.fields.length]
    const names = new Set(report.fields.map(({ field }) => field))
    const silent = report.fields.filter(isSilent).map(({ field }) => `${report.name}: nothing is said of why ${field} is ${field}`)
    return [
      ...(expected === actual && names.size === actual
        ? []
        : [`${report.name}: ${actual} fields (${names.size} names) of ${expected} leaves`]),
      ...silent,
    ]
  })
  return [...invalid, ...repeated, ...misreported]
}

function isSilent({ outcome, note }: FieldReport): boolean {
  return outcome !== 'kept' && !note
}

/** Counted by JSON itself, not by what is tested. */
function countLeaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  const members = Object.values(value)
  return members.length === 0 ? 1 : members.reduce((sum: number, member) => sum + countLeaves(member), 0)
}
