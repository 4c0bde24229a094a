import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { KindDefinition } from '../model/kind.ts'
import { kinds } from '../model/kinds/index.ts'
import { version } from '../std/version.ts'
import type { ControlPlaneRole } from './role.ts'

export interface IndexOptions {
  readonly role: ControlPlaneRole
  /** New with every process. */
  readonly instanceId: string
  /** The same for all replicas. */
  readonly clusterId: string
  /** Why the control plane cannot serve now, or undefined when it can. */
  readonly notReady: () => string | undefined
  /** The program's settings, without secrets. */
  readonly config: Readonly<Record<string, unknown>>
}

/** What anybody may know: what this is, and whether it works. And for those who may read: who they are, which kinds there are, how it is set up. */
export function indexRoutes(app: FastifyInstance, { role, instanceId, clusterId, notReady, config }: IndexOptions): void {
  const open = { config: { access: 'open' } } as const
  const index = {
    product: 'Skerry',
    // kumactl warns of, and will not add, a control plane of another product than Kuma, unless its version says preview.
    version: `${version}-preview`,
    hostname: hostname(),
    instanceId,
    clusterId,
    mode: role.kind,
    ...(role.kind === 'zone' ? { zone: role.zone, federated: role.federated } : {}),
  }
  app.get('/', open, () => index)
  app.get('/healthz', open, () => ({ status: 'ok' }))
  app.get('/readyz', open, (_, reply) => {
    const reason = notReady()
    return reason === undefined ? { status: 'ok' } : reply.code(503).send({ status: 'not ready', reason })
  })

  const status = { config: { access: { verb: 'read', area: 'status' } } } as const
  const shown = kinds.filter(kind => kind.kind !== 'Config').toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
  const resources = shown.map(describeKind)
  const policies = shown.filter(kind => kind.policy).map(describePolicy)
  const signedIn = { config: { access: 'signed-in' } } as const
  app.get('/_resources', signedIn, () => ({ resources }))
  app.get('/policies', signedIn, () => ({ policies }))
  app.get('/config', status, () => config)
  app.get('/who-am-i', signedIn, ({ principal }) => ({ name: principal?.name, groups: principal?.groups }))
}

function describeKind(kind: KindDefinition) {
  return {
    name: kind.kind,
    path: kind.path,
    // The short name is that of KRIs.
    shortName: kind.hasKri ? kind.short : '',
    scope: kind.scope === 'mesh' ? 'Mesh' : 'Global',
    readOnly: kind.readOnly ?? false,
    includeInFederation: kind.includeInFederation,
    singularDisplayName: kind.displayName,
    pluralDisplayName: kind.pluralDisplayName,
    ...(kind.policy
      ? {
          policy: {
            isTargetRef: true,
            hasToTargetRef: kind.policy.to,
            hasRulesTargetRef: kind.policy.rules,
            hasFromTargetRef: false,
            isFromAsRules: false,
          },
        }
      : {}),
  }
}

/** The older form of the same, for policies alone. */
function describePolicy(kind: KindDefinition) {
  return {
    name: kind.kind,
    readOnly: kind.readOnly ?? false,
    path: kind.path,
    singularDisplayName: kind.displayName,
    pluralDisplayName: kind.pluralDisplayName,
    isExperimental: false,
    isTargetRefBased: true,
    isInbound: kind.policy?.rules ?? false,
    isOutbound: kind.policy?.to ?? false,
  }
}
