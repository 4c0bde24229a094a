import type { MeshTrustSpec } from '../../../src/model/kinds/mesh-trust.ts'
import { meshTrustKind } from '../../../src/model/kinds/mesh-trust.ts'
import type { Value } from '../../sdk/cty/value.ts'
import type { DataSource } from '../../sdk/provider/provider.ts'
import { isGiven } from '../../sdk/provider/schema.ts'
import type { ControlPlane } from '../client/control-plane.ts'
import { requireSuccess } from '../client/refusal.ts'

interface Page {
  readonly items: readonly { readonly spec: MeshTrustSpec }[]
  readonly next: string | null
}

/** The certificates by which workloads of a mesh know each other, for whoever stands outside: a load balancer, a database. */
export const trustBundle: DataSource<ControlPlane> = {
  description:
    'The root certificates of the trust domains of a mesh: what a load balancer or a database outside of it needs to know its workloads.',
  attributes: {
    mesh: { type: 'string', optional: true, computed: true, description: 'The mesh. Default `default`.' },
    trust_domain: { type: 'string', optional: true, description: 'Only this trust domain.' },
    pem: { type: 'string', computed: true, description: 'All root certificates found, in PEM, one after the other.' },
    trust_domains: {
      computed: true,
      description: 'By trust domain.',
      nested: {
        nesting: 'list',
        attributes: {
          name: { type: 'string', computed: true, description: 'The trust domain.' },
          pem: { type: 'string', computed: true, description: 'Its root certificates in PEM; several while one takes over from another.' },
        },
      },
    },
  },
  async read(client, config) {
    const mesh: Value = config.mesh ?? 'default'
    const domains = new Map<string, Set<string>>()
    for await (const { trustDomain, caBundles } of trusts(client, String(mesh))) {
      if (isGiven(config.trust_domain) && config.trust_domain !== trustDomain) continue
      const known = domains.get(trustDomain) ?? new Set()
      for (const { pem } of caBundles) known.add(pem.value.trim())
      domains.set(trustDomain, known)
    }
    const found = [...domains].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, pems]) => ({ name, pem: joined([...pems].sort()) }))
    return { ...config, mesh, trust_domains: found, pem: joined(found.map(({ pem }) => pem.trim())) }
  },
}

async function* trusts(client: ControlPlane, mesh: string): AsyncGenerator<MeshTrustSpec> {
  const path = `/meshes/${encodeURIComponent(mesh)}/${meshTrustKind.path}`
  for (let offset = 0; ; ) {
    const { items, next } = requireSuccess(await client.send('GET', `${path}?size=1000&offset=${offset}`)).body as Page
    for (const { spec } of items) yield spec
    offset += items.length
    if (next === null || items.length === 0) return
  }
}

function joined(pems: readonly string[]): string {
  return pems.map(pem => `${pem}\n`).join('')
}
