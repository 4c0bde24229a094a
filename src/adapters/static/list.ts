import { watch } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { isObject } from '../../model/is-object.ts'
import {
  type Adapter,
  ListAgainError,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
} from '../adapter.ts'
import { translateEntry } from './translate.ts'

/** A file with a list of endpoints, YAML or JSON. It is read again when it changes. */
export const staticFile: Adapter = {
  type: 'File',
  intervalMs: 10_000,
  open: async source => new FileSource(source),
}

class FileSource implements OpenAdapter {
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  async scopes(): Promise<ScopeListing> {
    return { complete: true, missing: [], scopes: [{ id: `file/${basename(this.#path)}`, locality: {} }] }
  }

  async list(_scope: Scope, signal: AbortSignal): Promise<Listing> {
    const entries = await this.#read(signal)
    const items = new Map(entries.map(entry => translateEntry(entry, this.#source.spec)).map(item => [item.id, item]))
    return { complete: true, missing: [], items: [...items.values()], gone: [], cursor: null, pages: 1 }
  }

  /** The folder is watched, for files are changed by putting others in their place. */
  async follow(_scope: Scope, _cursor: unknown, _tell: unknown, signal: AbortSignal): Promise<void> {
    const file = basename(this.#path)
    await new Promise<void>((resolve, reject) => {
      const watcher = watch(dirname(this.#path), { persistent: false, signal }, (_, name) => {
        if (name !== file && name !== '..data') return
        watcher.close()
        reject(new ListAgainError(`${this.#path} changed`))
      })
      watcher.on('error', error =>
        reject(new SourceCallError('unreachable', `${this.#path} cannot be watched: ${error.message}`, { cause: error })),
      )
      watcher.on('close', resolve)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  get #path(): string {
    return this.#source.spec.file!.path
  }

  async #read(signal: AbortSignal): Promise<readonly unknown[]> {
    let text: string
    try {
      // To open a pipe would wait for whoever writes into it, in a thread that all files have to share.
      if (!(await stat(this.#path)).isFile()) throw new SourceCallError('refused', `${this.#path} is no file`)
      text = await readFile(this.#path, { encoding: 'utf8', signal })
    } catch (error) {
      if (error instanceof SourceCallError) throw error
      const { code, message } = error as NodeJS.ErrnoException
      throw new SourceCallError(code === 'EACCES' ? 'denied' : 'unreachable', message, { cause: error })
    }
    // Whoever writes it first empties it: what has no list in it yet is no list without endpoints.
    const { parseDocument } = await import('yaml')
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true })
    const problem = document.errors[0]
    if (problem) throw new SourceCallError('garbled', `${this.#path}: ${problem.message}`)
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    const list = isObject(value) ? value.endpoints : value
    if (!Array.isArray(list)) throw new SourceCallError('garbled', `${this.#path} holds no list of endpoints: begin it with "endpoints:"`)
    return list
  }
}
