/** What the protocol does with a type of resource. The rules differ by type, not by content: nothing here looks into a resource. */
export interface ResourceType {
  readonly typeUrl: string
  /** As people call it: LDS. */
  readonly shortName: string
  /** Place in a push, lowest first, so that whatever refers to something comes after it. */
  readonly order: number
  /** A first request without names asks for everything. */
  readonly wildcard: boolean
  /**
   * What a client hears about a name that it subscribed to and that does not exist (any more). Under a wildcard it is always a removal.
   * - `removed`: the name in `removed_resources`
   * - `without-body`: a Resource that has a name and nothing else
   * - `silent`: nothing, because clients take a removal for an error, or worse, for an empty resource
   */
  readonly absent: 'removed' | 'without-body' | 'silent'
  /** State of the world: every response is all that the client asked for; what is left out is deleted. */
  readonly fullState: boolean
  /** Make before break: this type goes out when the client has taken what it may refer to of these, which are in the order of their own pushes. */
  readonly addedAfter?: readonly string[]
  /** Make before break: something of this type is removed when nothing of these types is on its way any more. */
  readonly removedAfter: readonly string[]
  /** … and while the client refuses something of these types, it works on with what it had before: nothing is removed from under it. */
  readonly keptWhileRefused: readonly string[]
  /** A change of a resource here makes clients wait for the resource of the same name there: it must be sent again, changed or not. */
  readonly resends?: string
}

/** The types that a server or client knows. */
export interface ResourceTypes {
  get(typeUrl: string): ResourceType
}

export const SDS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret'
export const CDS = 'type.googleapis.com/envoy.config.cluster.v3.Cluster'
export const EDS = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment'
export const LDS = 'type.googleapis.com/envoy.config.listener.v3.Listener'
export const RDS = 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration'
export const VHDS = 'type.googleapis.com/envoy.config.route.v3.VirtualHost'

const ordinary = { wildcard: false, absent: 'silent', fullState: false, removedAfter: [], keptWhileRefused: [] } as const

/**
 * Envoy's types, in the order in which they are pushed.
 * https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#eventual-consistency-considerations
 */
const declared: readonly ResourceType[] = [
  // Envoy before 1.30 refuses the removal of a secret.
  { ...ordinary, typeUrl: SDS, shortName: 'SDS', order: 0 },
  {
    typeUrl: CDS,
    shortName: 'CDS',
    order: 1,
    wildcard: true,
    // A request that waits for an on-demand cluster then fails at once instead of at its timeout.
    absent: 'removed',
    fullState: true,
    // A route to a cluster that is gone is a 503.
    removedAfter: [CDS, LDS, RDS, VHDS],
    keptWhileRefused: [LDS, RDS, VHDS],
    resends: EDS,
  },
  // An empty answer would end the cluster's warming with no hosts at all.
  { ...ordinary, typeUrl: EDS, shortName: 'EDS', order: 2 },
  // Nothing refers to a listener, and one that goes may have the address of one that comes: clients must hear of both at once.
  { ...ordinary, typeUrl: LDS, shortName: 'LDS', order: 3, wildcard: true, absent: 'removed', fullState: true },
  // Routes are not warmed: one to a cluster that is still waiting for its endpoints is a 503.
  { ...ordinary, typeUrl: RDS, shortName: 'RDS', order: 4, addedAfter: [CDS, EDS] },
  { ...ordinary, typeUrl: VHDS, shortName: 'VHDS', order: 5, addedAfter: [CDS, EDS], absent: 'without-body' },
]

/** A table with rules for whatever is not in it. */
export function resourceTypes(table: readonly ResourceType[], other: (typeUrl: string) => ResourceType): ResourceTypes {
  const byUrl = new Map(table.map(type => [type.typeUrl, type]))
  return { get: typeUrl => byUrl.get(typeUrl) ?? other(typeUrl) }
}

export const envoyTypes: ResourceTypes = resourceTypes(declared, typeUrl => ({ ...plainType(typeUrl), order: declared.length }))

/**
 * … as gRPC's clients mean them: they name what they want, and no names never means everything.
 * https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md
 */
export const grpcTypes: ResourceTypes = { get: typeUrl => ({ ...envoyTypes.get(typeUrl), wildcard: false }) }

/** Where names stand for themselves, as kinds do between zone and global: everything may be asked for, absence is always said. */
export const plainTypes: ResourceTypes = resourceTypes([], plainType)

function plainType(typeUrl: string): ResourceType {
  return { ...ordinary, typeUrl, shortName: typeUrl, order: 0, wildcard: true, absent: 'removed' }
}
