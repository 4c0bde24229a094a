import { fromBinary } from '@bufbuild/protobuf'
import { serverAddress } from '../../envoy/grpc/names.ts'
import { ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import { DiscoveryResponseSchema } from '../../gen/envoy/service/discovery/v3/discovery_pb.js'
import { readRequest } from '../../xds/discovery-request.ts'
import { LDS } from '../../xds/resource-types.ts'

/** Reads along on the stream between a gRPC application and its zone: on which ports has it accepted what its servers are told? */
export class AcceptedServers {
  #sent: { readonly nonce: string; readonly ports: ReadonlySet<number> } | null = null
  #accepted: ReadonlySet<number> = new Set()

  get ports(): ReadonlySet<number> {
    return this.#accepted
  }

  /** What the application says. */
  onRequest(bytes: Uint8Array): void {
    const { request } = readRequest('sotw', bytes)
    if (request.typeUrl !== LDS || this.#sent === null || request.nonce !== this.#sent.nonce || request.error !== undefined) return
    this.#accepted = this.#sent.ports
  }

  /** What the zone says: of listeners always all. */
  onResponse(bytes: Uint8Array): void {
    const { typeUrl, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes)
    if (typeUrl !== LDS) return
    const names = resources.map(({ value }) => fromBinary(ListenerSchema, value).name)
    this.#sent = { nonce, ports: new Set(names.flatMap(name => serverAddress(name)?.port ?? [])) }
  }
}
