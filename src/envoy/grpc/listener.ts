import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { ListenerSchema } from '../../gen/envoy/config/listener/v3/listener_pb.js'
import { RouterSchema } from '../../gen/envoy/extensions/filters/http/router/v3/router_pb.js'
import {
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
} from '../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import type { InboundPlan } from '../../policy/plan.ts'
import { overAds, packed, socketAddress } from '../messages.ts'
import { httpPermissions } from '../rbac.ts'
import { grpcDownstreamTls } from './tls.ts'

type HttpFilter = MessageInitShape<typeof HttpFilterSchema>
type RouteSpecifier = NonNullable<MessageInitShape<typeof HttpConnectionManagerSchema>['routeSpecifier']>

/** What `xds:///<name>` stands for: routes of the same name. */
export function encodeApiListener(name: string): Uint8Array {
  const routes: RouteSpecifier = { case: 'rds', value: { routeConfigName: name, configSource: overAds } }
  return toBinary(ListenerSchema, create(ListenerSchema, { name, apiListener: { apiListener: connectionManager(name, routes, []) } }))
}

/**
 * What a gRPC server that listens there is told: mTLS, and who may call. The address must be the one that it bound, or it waits for ever.
 * https://github.com/grpc/proposal/blob/master/A36-xds-for-servers.md
 */
export function encodeServerListener(
  name: string,
  { address, port }: { readonly address: string; readonly port: number },
  plan: InboundPlan,
): Uint8Array {
  const manager = connectionManager(name, served(name), permissions(plan))
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', configType: { case: 'typedConfig' as const, value: manager } }]
  return toBinary(
    ListenerSchema,
    create(ListenerSchema, {
      name,
      address: socketAddress(address, port),
      filterChains: [{ name: plan.name, filters, transportSocket: grpcDownstreamTls() }],
    }),
  )
}

function connectionManager(statPrefix: string, routeSpecifier: RouteSpecifier, filters: readonly HttpFilter[]): Any {
  return packed(HttpConnectionManagerSchema, { statPrefix, routeSpecifier, httpFilters: [...filters, router] })
}

/** Two filters of one name are refused. None is optional: a server that knows no RBAC must not come up without it. */
function permissions({ permissions }: InboundPlan): HttpFilter[] {
  return httpPermissions(permissions).map((filter, index) => ({ ...filter, name: `${filter.name}.${index}` }))
}

/** Everything that comes is for the application itself. */
function served(name: string): RouteSpecifier {
  const routes = [
    { match: { pathSpecifier: { case: 'prefix' as const, value: '/' } }, action: { case: 'nonForwardingAction' as const, value: {} } },
  ]
  return { case: 'routeConfig', value: { name, virtualHosts: [{ name, domains: ['*'], routes }] } }
}

const router: HttpFilter = {
  name: 'envoy.filters.http.router',
  configType: { case: 'typedConfig', value: packed(RouterSchema, {}) },
}
