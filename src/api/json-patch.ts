/** One step of a JSON Patch. https://www.rfc-editor.org/rfc/rfc6902 */
export interface PatchStep {
  readonly op: 'add' | 'remove' | 'test'
  /** A JSON pointer. https://www.rfc-editor.org/rfc/rfc6901 */
  readonly path: string
  readonly value: unknown
}

/** The steps from one JSON value to another, down to the smallest difference. What is taken away is tested first and named in the removal, so
 *  that the patch can be turned around, as Kuma writes it. */
export function jsonPatch(from: unknown, to: unknown): PatchStep[] {
  return [...steps(from, to, '')]
}

function* steps(from: unknown, to: unknown, path: string): Generator<PatchStep> {
  if (Array.isArray(from) && Array.isArray(to)) {
    const shared = Math.min(from.length, to.length)
    for (let i = 0; i < shared; i++) yield* steps(from[i], to[i], `${path}/${i}`)
    // From the end, so that the numbers of those before stay true.
    for (let i = from.length - 1; i >= shared; i--) yield* removal(from[i], `${path}/${i}`)
    for (let i = shared; i < to.length; i++) yield { op: 'add', path: `${path}/-`, value: to[i] }
  } else if (isObject(from) && isObject(to)) {
    for (const key of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()) {
      const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (!Object.hasOwn(to, key)) yield* removal(from[key], at)
      else if (!Object.hasOwn(from, key)) yield { op: 'add', path: at, value: to[key] }
      else yield* steps(from[key], to[key], at)
    }
  } else if (!Object.is(from, to)) {
    yield* removal(from, path)
    yield { op: 'add', path, value: to }
  }
}

function* removal(value: unknown, path: string): Generator<PatchStep> {
  yield { op: 'test', path, value }
  yield { op: 'remove', path, value }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
