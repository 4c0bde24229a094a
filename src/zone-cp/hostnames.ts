import { isNameable, type NameableService, nameableKinds } from '../derive/hostname-generator.ts'
import { HostnameTable } from '../derive/hostname-table.ts'
import type { HostnameGenerator } from '../model/kinds/hostname-generator.ts'
import { formatKey } from '../model/resource.ts'
import { type ChangeBatch, keyOfChange } from '../registry/change-batch.ts'
import type { Registry } from '../registry/registry.ts'

interface Options {
  readonly registry: Registry
  readonly zone: string
}

/**
 * The names of the registry's services as callers in this zone use them, always true to the registry's revision: the one source of what
 * statuses say, proxies resolve and DNS answers.
 */
export class Hostnames {
  readonly #registry: Registry
  readonly #table: HostnameTable
  readonly #listeners = new Set<(keys: ReadonlySet<string>) => void>()
  readonly #unsubscribe: () => void

  constructor({ registry, zone }: Options) {
    this.#registry = registry
    this.#table = new HostnameTable(zone)
    this.#readGenerators()
    for (const kind of nameableKinds) for (const service of registry.list<NameableService>(kind)) this.#table.set(service)
    this.#unsubscribe = registry.onChange(batch => this.#onBatch(batch))
  }

  close(): void {
    this.#unsubscribe()
    this.#listeners.clear()
  }

  /** Told the keys (`formatKey`) of services whose names may be others now. @returns what ends it. */
  onChange(listener: (keys: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** undefined = no such service. */
  statusOf(key: string) {
    return this.#table.statusOf(key)
  }

  /** The names that lead to a service, in this mesh to no other. */
  of(key: string): string[] {
    return this.#table.hostnamesOf(key)
  }

  #onBatch({ changes }: ChangeBatch): void {
    const touched = new Set<string>()
    for (const change of changes) {
      const key = keyOfChange(change)
      if (!nameableKinds.includes(key.kind)) continue
      const others =
        change.kind === 'put' && isNameable(change.resource) ? this.#table.set(change.resource) : this.#table.delete(formatKey(key))
      for (const other of others) touched.add(other)
    }
    if (changes.some(change => keyOfChange(change).kind === 'HostnameGenerator')) {
      for (const key of this.#readGenerators()) touched.add(key)
    }
    if (touched.size > 0) for (const listener of this.#listeners) listener(touched)
  }

  #readGenerators(): ReadonlySet<string> {
    return this.#table.setGenerators(this.#registry.list<HostnameGenerator>('HostnameGenerator'))
  }
}
