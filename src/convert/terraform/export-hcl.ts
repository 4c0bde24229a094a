import { kindByName } from '../../model/kinds/index.ts'
import { displayNameLabel, managedByLabel, managedByTerraform } from '../../model/labels.ts'
import type { Resource } from '../../model/resource.ts'
import { Expression, hclBlock } from './hcl.ts'
import { typedKinds } from './kind-names.ts'
import { resourceHcl } from './resource-hcl.ts'

export type Exportable = Pick<Resource, 'kind' | 'mesh' | 'name' | 'labels' | 'spec'>

export interface ExportedHcl {
  /** A file of resources with their import blocks: applied, it changes nothing. */
  readonly text: string
  readonly count: number
  /** What is left out, and why. */
  readonly skipped: readonly { readonly kind: string; readonly name: string; readonly reason: string }[]
}

const typed: ReadonlySet<string> = new Set(typedKinds.map(({ kind }) => kind))

/** What is there, as Terraform would have written it. Meshes come first, whatever the order. */
export function exportHcl(resources: readonly Exportable[]): ExportedHcl {
  const taken = new Map<string, string>()
  const skipped: { kind: string; name: string; reason: string }[] = []
  const blocks: string[] = []
  const isTaken = (address: string) => taken.has(address)
  const meshReference = (mesh: string) => {
    const address = [...taken].find(([, id]) => id === `Mesh/${mesh}`)?.[0]
    return address === undefined ? undefined : new Expression(`${address}.name`)
  }
  for (const resource of resources.toSorted((a, b) => Number(b.kind === 'Mesh') - Number(a.kind === 'Mesh'))) {
    const reason = reasonToSkip(resource)
    const kind = kindByName(resource.kind)
    if (reason !== undefined || kind === undefined) {
      skipped.push({ kind: resource.kind, name: resource.name, reason: reason ?? 'the kind is not known' })
      continue
    }
    const { address, text, importId } = resourceHcl({ ...resource, kind }, { isTaken, meshReference })
    taken.set(address, `${resource.kind}/${resource.name}`)
    blocks.push(hclBlock('import', [], { to: new Expression(address), id: importId }), text)
  }
  return { text: blocks.join('\n'), count: taken.size, skipped }
}

function reasonToSkip({ kind, labels, name }: Exportable): string | undefined {
  if (kind === 'Secret' || kind === 'GlobalSecret') return 'secrets do not leave the control plane: write a skerry_secret with its value'
  if (!typed.has(kind)) return 'the provider has no resource for it'
  if (labels[managedByLabel] === managedByTerraform) return 'Terraform made it'
  if ((labels[displayNameLabel] ?? name) !== name) return 'it belongs to another control plane'
  return undefined
}
