import type { EtcdClient } from './etcd-client.ts'

/**
 * Keeps etcd's history, which otherwise grows for ever, at one to two times the changes that are to be remembered: each time that many more
 * have been committed, what came before the last mark is compacted. Each process counts its own commits, so what it remembers is at least
 * that many of its own changes, with all that the others made in between.
 */
export class EtcdCompaction {
  readonly #client: EtcdClient
  readonly #changeLimit: number
  #changes = 0
  /** etcd's revision. */
  #mark: number | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(client: EtcdClient, changeLimit: number) {
    this.#client = client
    this.#changeLimit = changeLimit
  }

  /** @param etcdRevision of the commit that made them. */
  count(changes: number, etcdRevision: number): void {
    this.#changes += changes
    if (this.#changes < this.#changeLimit) return
    this.#changes = 0
    const upTo = this.#mark
    this.#mark = etcdRevision
    // Another process may have compacted further; and a compaction that fails is made up for by the next.
    if (upTo) this.#running = this.#client.call('KV', 'compact', { revision: upTo }).catch(() => {})
  }

  async settled(): Promise<void> {
    await this.#running
  }
}
