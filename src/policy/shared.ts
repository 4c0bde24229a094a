/** Of more than this, parts that no longer come up are most of what is remembered. */
const MAX_TEXTS = 1000

/**
 * What many proxies have alike is made once: the same parts give the same object, so that whoever works with it – first of all whoever
 * encodes it – can remember it by what it is. Nothing is kept longer than the objects that it was made of.
 */
export class Shared<T extends object> {
  readonly #root: Level<T> = { next: new WeakMap(), made: null }

  /** `objects` are compared by identity, `text` by content. What `make` gives must follow from them alone. */
  of(objects: readonly object[], text: string, make: () => T): T {
    let level = this.#root
    for (const object of objects) {
      let next = level.next.get(object)
      if (!next) {
        next = { next: new WeakMap(), made: null }
        level.next.set(object, next)
      }
      level = next
    }
    level.made ??= new Map()
    let made = level.made.get(text)
    if (!made) {
      made = make()
      if (level.made.size >= MAX_TEXTS) level.made.clear()
      level.made.set(text, made)
    }
    return made
  }
}

interface Level<T> {
  readonly next: WeakMap<object, Level<T>>
  made: Map<string, T> | null
}

/** Stands for a part that is not there. */
export const absent = {}
