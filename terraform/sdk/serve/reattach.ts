import { ServerCredentials } from '@grpc/grpc-js'
import type { Handlers } from '../wire/requests.ts'
import { bindPlugin } from './address.ts'
import { type PluginLog, silentPluginLog } from './log.ts'
import { pluginServer } from './services.ts'

export interface ReattachedPlugin {
  /** Its entry in TF_REATTACH_PROVIDERS: `JSON.stringify({ [source]: entry })`. */
  readonly entry: object
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Serves a provider within this process, for Terraform commands that find it in TF_REATTACH_PROVIDERS. It stays when a command ends,
 * needs no installation, and takes a second off every command: tests are made of this. Unlike a process for every provider
 * block, all blocks of a configuration share the one that was configured last.
 */
export async function serveReattached(handlers: Handlers, log: PluginLog = silentPluginLog): Promise<ReattachedPlugin> {
  const server = pluginServer(handlers, { shutdown() {}, log })
  const bound = await bindPlugin(server, ServerCredentials.createInsecure())
  return {
    entry: {
      Protocol: 'grpc',
      ProtocolVersion: 6,
      Pid: process.pid,
      Test: true,
      Addr: { Network: bound.network, String: bound.address },
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown()
      bound.remove()
    },
  }
}
