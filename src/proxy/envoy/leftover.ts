import { join } from 'node:path'
import { type Clock, sleep } from '../../std/clock.ts'
import { askEnvoy } from './admin-client.ts'

/** Where an Envoy's files lie in a proxy's directory. */
export function envoyFolder(directory: string): string {
  return join(directory, 'envoy')
}

/** Of Envoy's administration. */
export function adminSocketOf(directory: string): string {
  return join(envoyFolder(directory), 'admin.sock')
}

/** An Envoy that outlived its agent has the ports that this proxy needs, and nobody to watch it. Resolves when it is gone. */
export async function endLeftover(directory: string, clock: Clock): Promise<void> {
  const quit = () =>
    askEnvoy(adminSocketOf(directory), '/quitquitquit', { method: 'POST' }).then(
      () => true,
      () => false,
    )
  for (let attempts = 0; attempts < 40 && (await quit()); attempts++) await sleep(clock, 50)
}
