import { formatKey, parseKey, type ResourceKey } from '../../model/resource.ts'

/**
 * Where what lies under a store's prefix. `head` is written by every commit, last: its revision is the store's, and in a watch it says
 * that all of a commit has come. Head and records are neighbours, so that one watch covers both and nothing else.
 */
export class EtcdKeys {
  readonly prefix: string
  readonly head: Buffer
  readonly owner: Buffer
  /** Of head and records, the end not included. */
  readonly range: { readonly key: Buffer; readonly range_end: Buffer }
  readonly records: { readonly key: Buffer; readonly range_end: Buffer }
  /** Of what processes say of themselves. */
  readonly lives: { readonly key: Buffer; readonly range_end: Buffer }
  readonly #recordPrefix: string

  constructor(prefix = '/skerry') {
    this.prefix = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
    this.#recordPrefix = `${this.prefix}/data/record/`
    this.head = Buffer.from(`${this.prefix}/data/head`)
    this.owner = Buffer.from(`${this.prefix}/owner`)
    this.range = { key: Buffer.from(`${this.prefix}/data/`), range_end: Buffer.from(`${this.prefix}/data0`) }
    this.lives = { key: Buffer.from(`${this.prefix}/live/`), range_end: Buffer.from(`${this.prefix}/live0`) }
    this.records = { key: Buffer.from(this.#recordPrefix), range_end: Buffer.from(`${this.prefix}/data/record0`) }
  }

  record(key: ResourceKey): Buffer {
    return Buffer.from(this.#recordPrefix + formatKey(key))
  }

  /** undefined for the head. */
  parseRecord(key: Buffer): ResourceKey | undefined {
    const text = key.toString()
    return text.startsWith(this.#recordPrefix) ? parseKey(text.slice(this.#recordPrefix.length)) : undefined
  }

  slot(lease: string, index: number): Buffer {
    return Buffer.from(`${this.prefix}/slot/${lease}/${index}`)
  }

  leader(role: string): Buffer {
    return Buffer.from(`${this.prefix}/leader/${role}`)
  }

  live(process: string, name: string): Buffer {
    return Buffer.from(`${this.prefix}/live/${process}/${name}`)
  }

  /** `PROCESS/NAME` */
  parseLive(key: Buffer): string {
    return key.toString().slice(this.prefix.length + '/live/'.length)
  }
}
