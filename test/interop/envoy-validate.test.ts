import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { envoyResourcesJson } from '../../src/envoy/resource-json.ts'
import { typeUrls } from '../../src/envoy/resources.ts'
import { resourcesOf, type Scenario, scenarios } from '../golden/scenario.ts'
import { envoyBinary } from './envoy-binary.ts'

const envoy = await envoyBinary()
const skip = envoy ? false : 'there is no Envoy: shared/peers/envoy.sh gets one'

/** A bootstrap that holds all that a proxy would be told, and an ADS server that is never asked. */
function bootstrap(scenario: Scenario): unknown {
  const byType = envoyResourcesJson(resourcesOf(scenario, 'envoy'))
  const of = (type: string) => Object.values(byType[type] ?? {})
  const routes = of(typeUrls.routes).map((routeConfig, index) => ({
    name: `routes_${index}`,
    address: { socketAddress: { address: '127.0.0.1', portValue: 20_000 + index } },
    filterChains: [{ filters: [connectionManager(routeConfig)] }],
  }))
  const server = { name: 'ads', type: 'STATIC', loadAssignment: { clusterName: 'ads' }, typedExtensionProtocolOptions: http2 }
  return {
    node: { id: 'default.web-1', cluster: 'web' },
    dynamicResources: {
      adsConfig: { apiType: 'DELTA_GRPC', transportApiVersion: 'V3', grpcServices: [{ envoyGrpc: { clusterName: 'ads' } }] },
    },
    bootstrapExtensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener' },
      },
    ],
    staticResources: {
      listeners: [...of(typeUrls.listener), ...routes],
      clusters: [server, { ...server, name: 'skerry_agent', loadAssignment: { clusterName: 'skerry_agent' } }, ...of(typeUrls.cluster)],
    },
  }
}

const http2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicitHttpConfig: { http2ProtocolOptions: {} },
  },
}

function connectionManager(routeConfig: unknown) {
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' }
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      statPrefix: 'routes',
      // What comes by ADS cannot stand in a static configuration.
      routeConfig: { ...(routeConfig as object), vhds: undefined },
      httpFilters: [{ name: 'envoy.filters.http.router', typedConfig: router }],
    },
  }
}

for (const scenario of scenarios()) {
  test(`Envoy takes what it would be told in ${scenario.name}`, { skip }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'skerry-envoy-'))
    try {
      const file = join(directory, 'bootstrap.json')
      await writeFile(file, JSON.stringify(bootstrap(scenario)))
      const run = promisify(execFile)(envoy!, ['--mode', 'validate', '-c', file, '-l', 'error'])
      const { stdout } = await run.catch((error: { stderr: string }) => assert.fail(error.stderr))
      assert.match(stdout, /OK/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
}
