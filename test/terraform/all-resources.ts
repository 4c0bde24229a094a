import { kinds } from '../../src/model/kinds/index.ts'
import type { Ask } from './mesh-of-zones.ts'

/** What follows from others, or is told by what runs: nobody wrote it. */
const derived: ReadonlySet<string> = new Set([
  ...['DataplaneInsight', 'ZoneInsight', 'MeshInsight', 'ServiceInsight', 'ServiceCapacity', 'MeshTrust', 'TrustAcknowledgement', 'Config'],
])

interface Listed {
  readonly type: string
  readonly mesh?: string
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** Every resource that somebody wrote, as a line, `KIND MESH/NAME CONTENT`, sorted. */
export async function writtenResources(ask: Ask): Promise<string[]> {
  const listed = await listAll(ask, kind => !derived.has(kind))
  return linesOf(listed.filter(({ labels }) => labels?.['kuma.io/managed-by'] !== 'skerry'))
}

/** Every resource there is, what follows from others too; without what is measured or counted. */
export async function allResources(ask: Ask): Promise<string[]> {
  return linesOf(await listAll(ask, kind => !/Insight$/.test(kind) && kind !== 'Config' && kind !== 'TrustAcknowledgement'))
}

async function listAll(ask: Ask, isMeant: (kind: string) => boolean): Promise<readonly Listed[]> {
  const listed: Listed[] = []
  for (const { path } of kinds.filter(({ kind }) => isMeant(kind))) {
    const { body } = await ask(`/${path}?size=1000`)
    listed.push(...(body as { readonly items: readonly Listed[] }).items)
  }
  return listed
}

function linesOf(listed: readonly Listed[]): string[] {
  return listed
    .map(({ type, mesh = '', name, creationTime: _, modificationTime: __, status: ___, ...content }) => {
      return `${type} ${mesh}/${name} ${JSON.stringify(content)}`
    })
    .sort()
}
