import { SourceCallError } from '../adapter.ts'
import { batch, type EcsCalls } from './calls.ts'
import type { ClusterMemory } from './cluster-memory.ts'
import type { Learned } from './surroundings.ts'
import type { Host } from './translate.ts'

type HostEntry = readonly [arn: string, host: Host]
type Addresses = ReadonlyMap<string, { readonly address: string; readonly zone: string | undefined }>

/**
 * Where hosts are, which ECS does not say. EC2 is asked once: an instance keeps its private address for as long as it lives. Those outside of AWS
 * are what Systems Manager says, and may have moved: each is asked for again when it is described.
 * @param described ARNs of the container instances that were
 */
export async function learnHostAddresses(
  calls: EcsCalls,
  memory: ClusterMemory,
  described: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Learned> {
  const homeless = [...memory.hosts].filter(([, { id, address }]) => address === undefined && id.startsWith('i-'))
  const outside = [...memory.hosts].filter(([arn, { id, address }]) => isOutside(id) && (address === undefined || described.has(arn)))
  const parts = [
    await learn(memory, homeless, batch.ec2, ids => calls.hostAddresses(ids, signal)),
    await learn(memory, outside, batch.ssm, ids => calls.outsideAddresses(ids, signal)),
  ]
  return { calls: parts.reduce((sum, part) => sum + part.calls, 0), missing: parts.flatMap(({ missing }) => missing) }
}

/** A machine of ECS Anywhere, by its id. */
export function isOutside(id: string): boolean {
  return id.startsWith('mi-')
}

async function learn(
  memory: ClusterMemory,
  hosts: readonly HostEntry[],
  size: number,
  ask: (ids: readonly string[]) => Promise<Addresses>,
): Promise<Learned> {
  const missing: string[] = []
  let made = 0
  const waiting = Array.from({ length: Math.ceil(hosts.length / size) }, (_, index) => hosts.slice(index * size, (index + 1) * size))
  for (let some = waiting.shift(); some !== undefined; some = waiting.shift()) {
    try {
      const addresses = await ask(some.map(([, { id }]) => id))
      made++
      for (const [arn, host] of some) {
        const at = addresses.get(host.id)
        if (at !== undefined) memory.hosts.set(arn, { ...host, address: at.address, zone: at.zone ?? host.zone })
      }
    } catch (error) {
      if (!(error instanceof SourceCallError)) throw error
      if (error.what !== 'refused' || !isOutside(some[0]![1].id)) {
        missing.push(`addresses of hosts: ${error.message}`)
        break
      }
      // One that Systems Manager does not know (any more) has it refuse all that were asked for with it: halves find it soonest.
      const half = Math.ceil(some.length / 2)
      if (some.length > 1) waiting.unshift(some.slice(0, half), some.slice(half))
    }
  }
  return { calls: made, missing }
}
