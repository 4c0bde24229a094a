import type { KindDefinition } from '../../model/kind.ts'
import { kinds } from '../../model/kinds/index.ts'

/** `sourceIP` → `source_ip`, `MeshHTTPRoute` → `mesh_http_route`. */
export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}

/** Resources that are made for their kind, since a secret must not reach the state. */
const writtenByHand: ReadonlySet<string> = new Set(['Secret', 'GlobalSecret'])
/** What a control plane keeps for itself: nobody describes it in a file. */
const internal: ReadonlySet<string> = new Set(['Config'])
/** `skerry_workload` is a machine or function that Terraform made, which is what people look for under that name. */
const otherwise: Readonly<Record<string, string>> = { Workload: 'workload_entry' }

/** The Terraform resource for a kind: its name in snake case, without `Mesh` where more follows (`MeshTimeout` is `skerry_timeout`). */
export function resourceTypeOf(kind: string): string {
  return `skerry_${otherwise[kind] ?? snakeCase(kind.replace(/^Mesh(?=.)/, ''))}`
}

/** The kinds whose resource is made from their schema. */
export const typedKinds: readonly KindDefinition[] = kinds.filter(
  kind => !kind.readOnly && !internal.has(kind.kind) && !writtenByHand.has(kind.kind),
)
