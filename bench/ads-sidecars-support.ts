import { Backoff } from '../src/std/backoff.ts'
import { systemClock } from '../src/std/clock.ts'
import { connectStream, GrpcChannel } from '../src/std/grpc-channel.ts'
import { AdsClient } from '../src/xds/ads-client.ts'
import { DELTA_ADS_PATH } from '../src/xds/ads-server.ts'
import { CDS, EDS, LDS } from '../src/xds/resource-types.ts'

/** Child process of `bench/ads.ts`: many sidecars, each with a TLS connection of its own. Says when each got what. */
export interface SidecarsConfig {
  readonly address: string
  readonly rootCaPem: string
  /** For each sidecar, the clusters whose endpoints it asks for. */
  readonly outbounds: readonly (readonly string[])[]
}

export type SidecarsReport =
  | { readonly kind: 'configured' }
  /** All that arrived since the last change, `process.hrtime` in ns as text. */
  | { readonly kind: 'arrived'; readonly times: readonly string[] }

const config = JSON.parse(process.argv[2]!) as SidecarsConfig
const report = (message: SidecarsReport) => process.send!(message)
let configured = 0
let expected = 0
let times: string[] = []

process.on('message', (message: { expect: number }) => {
  expected = message.expect
  times = []
})
process.on('disconnect', () => process.exit())

for (const [i, clusters] of config.outbounds.entries()) {
  const channel = new GrpcChannel(config.address, { tls: { rootCaPem: config.rootCaPem } })
  const missing = new Set(clusters)
  const client = new AdsClient({
    node: { id: `default.sidecar-${i}` },
    connect: signal => connectStream(channel, DELTA_ADS_PATH, { authorization: 'Bearer bench' }, { signal }),
    onUpdate({ typeUrl, added }) {
      if (typeUrl !== EDS || added.length === 0) return null
      if (missing.size === 0) arrived()
      else {
        for (const { name } of added) missing.delete(name)
        if (missing.size === 0 && ++configured === config.outbounds.length) report({ kind: 'configured' })
      }
      return null
    },
    clock: systemClock,
    backoff: new Backoff({ baseMs: 100, maxMs: 1000 }),
  })
  client.subscribe(CDS, '*')
  client.subscribe(LDS, '*')
  client.subscribe(EDS, clusters)
  client.start()
}

function arrived(): void {
  times.push(String(process.hrtime.bigint()))
  if (times.length === expected) report({ kind: 'arrived', times })
}
