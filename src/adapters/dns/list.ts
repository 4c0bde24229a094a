import { Resolver } from 'node:dns/promises'
import { isIpAddress } from '../../model/address.ts'
import {
  type Adapter,
  type Item,
  type Listing,
  type OpenAdapter,
  type Scope,
  type ScopeListing,
  type Source,
  SourceCallError,
  SourceConfigError,
} from '../adapter.ts'
import { type DnsName, translateRecord } from './translate.ts'

/** DNS: a name is a scope. Its records are its instances. */
export const dns: Adapter = {
  type: 'DNS',
  intervalMs: 30_000,
  open: async source => new DnsSource(source),
}

/** The name is there and has no such records, or is not there: both are answers. */
const nothing = new Set(['ENODATA', 'ENOTFOUND'])

class DnsSource implements OpenAdapter {
  readonly #source: Source
  readonly #resolver = new Resolver({ timeout: 3000, tries: 2 })

  constructor(source: Source) {
    this.#source = source
    const { resolvers } = source.spec.dns ?? {}
    if (resolvers === undefined) return
    try {
      this.#resolver.setServers(resolvers)
    } catch (error) {
      throw new SourceConfigError('dns.resolvers', `${(error as Error).message}: write addresses, as 10.0.0.2 or 10.0.0.2:5353`)
    }
  }

  async scopes(): Promise<ScopeListing> {
    const names = this.#source.spec.dns?.names ?? []
    return { complete: true, missing: [], scopes: names.map(name => ({ id: scopeId(name), locality: {} })) }
  }

  async list(scope: Scope, signal: AbortSignal): Promise<Listing> {
    const name = this.#source.spec.dns!.names.find(it => scopeId(it) === scope.id)!
    const cancel = () => this.#resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return name.type === 'SRV' ? await this.#services(name) : this.#listing(name, await this.#addresses(name.name, name.type))
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resolver.cancel()
  }

  #listing(name: DnsName, addresses: readonly string[]): Listing {
    const items = [...new Set(addresses)].map(address => translateRecord(name, { address, target: address }, this.#source.spec))
    return { complete: true, missing: [], items, gone: [], pages: 1 }
  }

  /** Targets are names: a workload is reached by its addresses. */
  async #services(name: DnsName): Promise<Listing> {
    const items = new Map<string, Item>()
    const missing: string[] = []
    let pages = 1
    for (const { name: target, port, weight } of await this.#ask(() => this.#resolver.resolveSrv(name.name), name.name)) {
      try {
        pages++
        for (const address of await this.#addressesOf(target)) {
          const item = translateRecord(name, { address, target, port, weight }, this.#source.spec)
          items.set(item.id, item)
        }
      } catch (error) {
        missing.push((error as Error).message)
      }
    }
    return { complete: missing.length === 0, missing, items: [...items.values()], gone: [], pages }
  }

  async #addressesOf(target: string): Promise<readonly string[]> {
    if (isIpAddress(target)) return [target]
    const four = await this.#addresses(target, 'A')
    const found = four.length > 0 ? four : await this.#addresses(target, 'AAAA')
    if (found.length === 0) throw new SourceCallError('unreachable', `target ${target} has no address`)
    return found
  }

  #addresses(name: string, type: 'A' | 'AAAA'): Promise<readonly string[]> {
    return this.#ask(() => (type === 'A' ? this.#resolver.resolve4(name) : this.#resolver.resolve6(name)), `${type} of ${name}`)
  }

  async #ask<T>(question: () => Promise<readonly T[]>, what: string): Promise<readonly T[]> {
    try {
      return await question()
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string }
      if (nothing.has(code)) return []
      throw new SourceCallError(code === 'EREFUSED' ? 'denied' : 'unreachable', `${what}: ${message}`, { cause: error })
    }
  }
}

function scopeId({ type, name }: DnsName): string {
  return `dns/${type}/${name}`
}
