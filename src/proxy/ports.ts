import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { listen } from '../std/listen.ts'
import type { Address } from '../std/option-value.ts'

/** A port that this proxy wants to listen on. */
export interface PortWish {
  /** Key in ports.json: `inbound.main`, `http-proxy`, `outbound.payments`. */
  readonly key: string
  /** What the user gives it with. */
  readonly flag: string
  readonly host: string
  /** 0 = the one of the last time if it is free, else any. */
  readonly port: number
}

/**
 * Settles every port before the zone hears of it: a port that is taken ends the proxy with the flag's name, not with a NACK much later.
 * Ports are let go again when all are known; the listeners that the zone configures bind them.
 */
export async function choosePorts(wishes: readonly PortWish[], previous: Readonly<Record<string, number>>): Promise<Map<string, Address>> {
  const chosen = new Map<string, Address>()
  const held: Server[] = []
  const take = async (wish: PortWish, port: number) => {
    const server = createServer()
    const address = await listen(server, { host: wish.host, port }, wish.flag)
    held.push(server)
    chosen.set(wish.key, address)
  }
  try {
    // The fixed ones first, so that none of them is given away.
    for (const wish of wishes) if (wish.port !== 0) await take(wish, wish.port)
    for (const wish of wishes) {
      if (wish.port !== 0) continue
      const before = previous[wish.key]
      await (before === undefined ? take(wish, 0) : take(wish, before).catch(() => take(wish, 0)))
    }
    return chosen
  } finally {
    await Promise.all(held.map(server => new Promise(resolve => server.close(resolve))))
  }
}

/** Ports of the last run, by key; none when there was no last run. */
export async function readPorts(file: string): Promise<Record<string, number>> {
  try {
    const saved = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>
    return Object.fromEntries(Object.entries(saved).map(([key, address]) => [key, Number(address.slice(address.lastIndexOf(':') + 1))]))
  } catch {
    return {}
  }
}
