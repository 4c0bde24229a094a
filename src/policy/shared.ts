/** As many of what follows from one object are kept: a service is rarely called in more ways, and what policies said before goes. */
const MAX_KEPT = 16

/**
 * What many proxies have alike is made once: the same parts give the same object, so that whoever works with it – first of all whoever
 * encodes it – can remember it by what it is.
 */
export class Shared<T extends object> {
  readonly #byFirst = new WeakMap<object, Map<string, T>>()

  /** `objects` (one at least) are compared by identity, `text` by content. What `make` gives must follow from them alone. */
  of([first, ...others]: readonly [object, ...object[]], text: string, make: () => T): T {
    let known = this.#byFirst.get(first)
    if (!known) {
      known = new Map()
      this.#byFirst.set(first, known)
    }
    let key = text
    for (const object of others) key += ` ${idOf(object)}`
    let made = known.get(key)
    if (made === undefined) {
      made = make()
      if (known.size >= MAX_KEPT) known.clear()
      known.set(key, made)
    }
    return made
  }
}

/** Stands for a part that is not there. */
export const absent = {}

const ids = new WeakMap<object, number>()
let lastId = 0

/** One table of weak keys: many small ones would cost every collection of garbage a look into each. */
function idOf(object: object): number {
  let id = ids.get(object)
  if (id === undefined) {
    id = ++lastId
    ids.set(object, id)
  }
  return id
}
