import { SourceCallError } from '../adapter.ts'
import { batch, type EcsCalls, inBatches } from './calls.ts'
import type { ClusterMemory } from './cluster-memory.ts'
import { learnHostAddresses } from './host-addresses.ts'
import type { TaskFacts } from './task.ts'
import { hostNeeded, lostHost, serviceNameOf } from './translate.ts'

/** What was asked for, and what could not be had. */
export interface Learned {
  /** That were answered. */
  readonly calls: number
  /** In words for people. */
  readonly missing: readonly string[]
}

/**
 * Learns what says the rest of these tasks: their definitions, services and hosts. What cannot be asked for stays as it was known.
 * @param what `new`: only what is not known yet. `all`: services and hosts again, for their tags and states change.
 */
export async function learnSurroundings(
  calls: EcsCalls,
  cluster: string,
  memory: ClusterMemory,
  tasks: readonly TaskFacts[],
  what: 'new' | 'all',
  signal: AbortSignal,
): Promise<Learned> {
  const wanted = (ids: Iterable<string>, known: (id: string) => boolean) =>
    [...new Set(ids)].filter(id => id !== '' && (what === 'all' || !known(id)))
  const services = wanted(
    tasks.map(task => serviceNameOf(task) ?? ''),
    name => memory.services.has(name),
  )
  const parts = [await learnServices(calls, cluster, memory, services, signal), await learnDefinitions(calls, memory, tasks, signal)]
  const hosts = wanted(
    tasks.map(task => hostNeeded(task, memory.definition(task.definitionArn)) ?? ''),
    arn => memory.hosts.has(arn),
  )
  parts.push(await learnHosts(calls, cluster, memory, hosts, signal))
  return { calls: parts.reduce((sum, part) => sum + part.calls, 0), missing: parts.flatMap(({ missing }) => missing) }
}

/** A service that is gone while its tasks are still being stopped is as if it had no tags: it will not come to have any. */
async function learnServices(
  calls: EcsCalls,
  cluster: string,
  memory: ClusterMemory,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Learned> {
  const learned = await inBatches(names, batch.services, some => calls.describeServices(cluster, some, signal))
  for (const service of learned.found) memory.services.set(service.name, service)
  for (const name of learned.gone) if (!memory.services.has(name)) memory.services.set(name, { name, tags: {} })
  return { calls: learned.calls, missing: learned.missing.map(reason => `services: ${reason}`) }
}

async function learnDefinitions(
  calls: EcsCalls,
  memory: ClusterMemory,
  tasks: readonly TaskFacts[],
  signal: AbortSignal,
): Promise<Learned> {
  const unknown = [...new Set(tasks.map(({ definitionArn }) => definitionArn))].filter(arn => memory.definition(arn) === undefined)
  const missing: string[] = []
  let made = 0
  for (const arn of unknown) {
    try {
      memory.keepDefinition(await calls.describeDefinition(arn, signal))
      made++
    } catch (error) {
      if (!(error instanceof SourceCallError)) throw error
      missing.push(`task definition ${arn}: ${error.message}`)
      // What AWS refuses concerns this one; anything else would meet the next ones as well.
      if (error.what !== 'refused') break
    }
  }
  return { calls: made, missing }
}

async function learnHosts(
  calls: EcsCalls,
  cluster: string,
  memory: ClusterMemory,
  arns: readonly string[],
  signal: AbortSignal,
): Promise<Learned> {
  const learned = await inBatches(arns, batch.instances, some => calls.describeHosts(cluster, some, signal))
  for (const { arn, ...host } of learned.found) {
    const known = memory.hosts.get(arn)
    memory.hosts.set(arn, known?.id === host.id ? { ...host, address: known.address, zone: known.zone ?? host.zone } : host)
  }
  for (const arn of learned.gone) memory.hosts.set(arn, lostHost)
  const addresses = await learnHostAddresses(calls, memory, new Set(learned.found.map(({ arn }) => arn)), signal)
  const missing = [...learned.missing.map(reason => `container instances: ${reason}`), ...addresses.missing]
  return { calls: learned.calls + addresses.calls, missing }
}
