import { isObject } from '../model/is-object.ts'
import { type FieldReport, type Outcome, outcomes } from './report.ts'

type Path = readonly (string | number)[]
type Marks = Map<string, { readonly outcome: Outcome; readonly note?: string }>

/**
 * A value that is read and whose every leaf is accounted for: a reader says of each part that it takes what becomes of it, and what nobody
 * has spoken of was dropped. Of two words about one leaf the worse counts, so that whoever gives up a whole can say so after its parts.
 */
export class Field {
  readonly path: Path
  readonly value: unknown
  readonly #marks: Marks

  private constructor(value: unknown, path: Path, marks: Marks) {
    this.value = value
    this.path = path
    this.#marks = marks
  }

  static root(value: unknown): Field {
    return new Field(value, [], new Map())
  }

  /** A member that is there and not null. Fields of protos have two names: `connectTimeout` is found as `connect_timeout` too. */
  member(name: string): Field | undefined {
    if (!isObject(this.value)) return undefined
    const key = [name, snakeCase(name)].find(key => Object.hasOwn(this.value as object, key))
    if (key === undefined || this.value[key] === null || this.value[key] === undefined) return undefined
    return this.#child(key)
  }

  /** As `member`, several steps down. */
  at(...names: readonly string[]): Field | undefined {
    return names.reduce<Field | undefined>((field, name) => field?.member(name), this)
  }

  /** All members that are not null, as they are called. */
  members(): [string, Field][] {
    if (!isObject(this.value)) return []
    const keys = Object.keys(this.value).filter(key => (this.value as Record<string, unknown>)[key] !== null)
    return keys.map(key => [key, this.#child(key)])
  }

  /** Of a list; none when it is no list. */
  items(): Field[] {
    return Array.isArray(this.value) ? this.value.map((_, index) => this.#child(index)) : []
  }

  /** The member's value where it is a text; says nothing of what becomes of it. */
  text(...names: readonly string[]): string | undefined {
    const value = this.at(...names)?.value
    return typeof value === 'string' ? value : undefined
  }

  keep(note?: string): unknown {
    this.#mark('kept', note)
    return this.value
  }

  approximate(how: string): unknown {
    this.#mark('approximated', how)
    return this.value
  }

  /** Takes back what was said of it: what a general rule gave up, a special one has found a place for. */
  revise(outcome: Outcome, note: string): void {
    for (const { path } of leavesOf(this.value, this.path)) this.#marks.delete(formatPath(path))
    this.#mark(outcome, note)
  }

  drop(why: string): void {
    this.#mark('dropped', why)
  }

  /** The same without some of its members: they are another reader's. */
  without(names: readonly string[]): Field {
    if (!isObject(this.value)) return this
    return new Field(Object.fromEntries(Object.entries(this.value).filter(([name]) => !names.includes(name))), this.path, this.#marks)
  }

  /** What became of each leaf from here down. */
  report(): FieldReport[] {
    return leavesOf(this.value, this.path).map(({ path, value }) => {
      const field = formatPath(path)
      const unspoken = value === null || Array.isArray(value) ? saysNothing : unknown
      return { field, ...(this.#marks.get(field) ?? unspoken) }
    })
  }

  #child(step: string | number): Field {
    return new Field((this.value as Record<string | number, unknown>)[step], [...this.path, step], this.#marks)
  }

  #mark(outcome: Outcome, note: string | undefined): void {
    for (const { path } of leavesOf(this.value, this.path)) {
      const field = formatPath(path)
      const before = this.#marks.get(field)
      if (before !== undefined && outcomes.indexOf(before.outcome) >= outcomes.indexOf(outcome)) continue
      this.#marks.set(field, { outcome, ...(note === undefined ? {} : { note }) })
    }
  }
}

const unknown = { outcome: 'dropped', note: 'unknown field' } as const
const saysNothing = { outcome: 'kept', note: 'the same as absent' } as const

/** What holds nothing further. */
function leavesOf(value: unknown, path: Path): { readonly path: Path; readonly value: unknown }[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap((item, index) => leavesOf(item, [...path, index]))
  if (isObject(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]))
  return [{ path, value }]
}

export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
