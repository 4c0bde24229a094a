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
}

/** What anybody may know: what this is, and whether it works. And for those who may read, which kinds there are. */
export function indexRoutes(app: FastifyInstance, { role, instanceId, clusterId, notReady }: IndexOptions): void {
  const open = { config: { access: 'open' } } as const
  const index = {
    product: 'Skerry',
    version,
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
  const resources = kinds.filter(kind => !kind.secret).map(describeKind)
  app.get('/_resources', { config: { access: { verb: 'read', area: 'status' } } }, () => ({ resources }))
}

function describeKind(kind: KindDefinition) {
  const words = kind.kind.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
  return {
    name: kind.kind,
    path: kind.path,
    shortName: kind.short,
    scope: kind.scope === 'mesh' ? 'Mesh' : 'Global',
    readOnly: kind.readOnly ?? false,
    includeInFederation: kind.sync === 'global' || kind.sync === 'both',
    singularDisplayName: words,
    pluralDisplayName: plural(words),
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

function plural(words: string): string {
  if (/(s|x|z|ch|sh)$/i.test(words)) return `${words}es`
  return /[^aeiou]y$/.test(words) ? `${words.slice(0, -1)}ies` : `${words}s`
}
