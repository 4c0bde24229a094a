/** One step of a JSON Patch. https://www.rfc-editor.org/rfc/rfc6902 */
export interface JsonPatchStep {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy'
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

/** A new value with these steps applied. Names may stand as in protos (`connect_timeout`) or as in their JSON. Throws an Error that names the step which does not fit. */
export function applyJsonPatch(target: unknown, steps: readonly JsonPatchStep[]): unknown {
  return steps.reduce((value, step, index) => {
    try {
      return applied(value, step)
    } catch (error) {
      throw new Error(`jsonPatches[${index}] (${step.op} ${step.path}): ${(error as Error).message}`)
    }
  }, structuredClone(target))
}

function applied(root: unknown, { op, path, from = '', value }: JsonPatchStep): unknown {
  switch (op) {
    case 'add':
      return change(root, segments(path), add(structuredClone(value)))
    case 'remove':
      return change(root, segments(path), remove)
    case 'replace':
      return change(root, segments(path), replace(structuredClone(value)))
    case 'copy':
      return change(root, segments(path), add(structuredClone(read(root, segments(from)))))
    case 'move': {
      const moved = read(root, segments(from))
      return change(change(root, segments(from), remove), segments(path), add(moved))
    }
  }
}

type Container = unknown[] | Record<string, unknown>
type Change = (container: Container, key: string) => void

/** https://www.rfc-editor.org/rfc/rfc6901 */
function segments(pointer: string): string[] {
  if (!pointer.startsWith('/')) throw new Error(`${JSON.stringify(pointer)} is no JSON pointer: it must begin with /`)
  return pointer
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function change(root: unknown, path: readonly string[], apply: Change): unknown {
  const last = path.at(-1)!
  const container = read(root, path.slice(0, -1))
  if (typeof container !== 'object' || container === null) throw new Error(`there is nothing at /${path.slice(0, -1).join('/')}`)
  apply(container as Container, Array.isArray(container) ? last : nameIn(container, last))
  return root
}

function read(root: unknown, path: readonly string[]): unknown {
  return path.reduce((value, segment) => {
    if (Array.isArray(value)) return value[indexIn(value, segment)]
    if (typeof value !== 'object' || value === null) throw new Error(`there is nothing at ${segment}`)
    const name = nameIn(value, segment)
    if (!Object.hasOwn(value, name)) throw new Error(`there is no ${segment}`)
    return (value as Record<string, unknown>)[name]
  }, root)
}

function nameIn(container: object, name: string): string {
  if (Object.hasOwn(container, name) || !/^[a-z][a-z0-9_]*$/.test(name)) return name
  return name.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
}

function indexIn(list: readonly unknown[], segment: string, last = list.length - 1): number {
  const index = Number(segment)
  if (!/^(0|[1-9]\d*)$/.test(segment) || index > last) throw new Error(`${segment} is not one of ${list.length} items`)
  return index
}

const add =
  (value: unknown): Change =>
  (container, key) => {
    if (Array.isArray(container)) container.splice(key === '-' ? container.length : indexIn(container, key, container.length), 0, value)
    else container[key] = value
  }

const replace =
  (value: unknown): Change =>
  (container, key) => {
    if (Array.isArray(container)) container[indexIn(container, key)] = value
    else if (Object.hasOwn(container, key)) container[key] = value
    else throw new Error(`there is no ${key} to replace`)
  }

const remove: Change = (container, key) => {
  if (Array.isArray(container)) container.splice(indexIn(container, key), 1)
  else if (Object.hasOwn(container, key)) delete container[key]
  else throw new Error(`there is no ${key} to remove`)
}
