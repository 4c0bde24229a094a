/** Longer than any object that a cluster keeps (1.5 MiB in etcd, more as JSON). bytes */
const longestObject = 16 * 1024 * 1024

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/**
 * Reads a list (`{"kind":"PodList","metadata":{…},"items":[{…},{…}]}`) as it arrives: each item is handed on as soon as it is whole, and
 * nothing is kept of it. A page is so never in memory as one, nor parsed in one go, however large its objects are.
 */
export class ListItems {
  readonly #onItem: (json: string) => void
  /** What lies around the items. */
  readonly #around: Buffer[] = []
  /** What there is of the item that is being read. */
  #item: Buffer[] = []
  /** Of the two together. */
  #bytes = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** What was read of the last string among the list's own members; the one before `[` is that array's name. */
  #name = ''
  #isInItems = false
  #isOver = false

  constructor(onItem: (json: string) => void) {
    this.#onItem = onItem
  }

  /** @throws SyntaxError when it cannot be a list */
  write(chunk: Buffer): void {
    // Everything before `start` is handed on.
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#isInString) {
        const end = this.#endOfString(chunk, at)
        if (this.#depth === 1) this.#name += chunk.toString('latin1', at, end)
        at = end
        continue
      }
      switch (chunk[at]) {
        case quote:
          this.#isInString = true
          this.#name = ''
          break
        case openBrace:
          this.#depth++
          if (this.#isInItems && this.#depth === 3) start = at
          break
        case closeBrace:
          this.#depth--
          if (this.#isInItems && this.#depth === 2) {
            this.#handOn(chunk.subarray(start, at + 1))
            start = at + 1
          }
          if (this.#depth === 0) this.#isOver = true
          break
        case openBracket:
          this.#depth++
          if (this.#depth === 2 && this.#name === 'items') {
            this.#isInItems = true
            this.#keep(this.#around, chunk.subarray(start, at + 1))
            start = at + 1
          }
          break
        case closeBracket:
          this.#depth--
          if (this.#isInItems && this.#depth === 1) {
            this.#isInItems = false
            start = at
          }
          break
      }
      if (this.#depth < 0) throw new SyntaxError('the answer closes what it did not open')
    }
    if (!this.#isInItems) this.#keep(this.#around, chunk.subarray(start))
    else if (this.#depth > 2) this.#keep(this.#item, chunk.subarray(start))
  }

  /** What lies around the items. @throws SyntaxError when the list broke off */
  end(): Record<string, unknown> {
    if (!this.#isOver) throw new SyntaxError('the answer breaks off')
    return JSON.parse(Buffer.concat(this.#around).toString()) as Record<string, unknown>
  }

  #handOn(last: Buffer): void {
    const json = this.#item.length === 0 ? last.toString() : Buffer.concat([...this.#item, last]).toString()
    this.#item = []
    this.#bytes = 0
    this.#onItem(json)
  }

  #keep(parts: Buffer[], part: Buffer): void {
    this.#bytes += part.length
    if (this.#bytes > longestObject) throw new SyntaxError(`the answer has an object of more than ${longestObject} bytes`)
    if (part.length > 0) parts.push(part)
  }

  /** Where the quote that ends the string is, or the chunk's end. */
  #endOfString(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (chunk[at] === backslash) this.#isEscaped = true
      else if (chunk[at] === quote) {
        this.#isInString = false
        return at
      }
    }
    return chunk.length
  }
}
