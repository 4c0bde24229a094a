import { computedLabels } from '../model/compute-labels.ts'
import { managedByLabel, managedBySkerry } from '../model/labels.ts'
import type { ResourceDraft } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { builtInRoles } from './built-in-roles.ts'
import { type ControlPlaneRole, originOf } from './role.ts'

/** Writes the built-in roles down as resources, so that they are seen where others are. What counts is the program's own word of them. */
export async function showBuiltInRoles(registry: Registry, role: ControlPlaneRole): Promise<void> {
  const drafts = Object.entries(builtInRoles).map(([name, { rules }]): ResourceDraft => {
    const shown = rules.map(rule => ({ ...rule, access: rule.access.filter(permission => permission !== 'ADMIN') }))
    const draft = { kind: 'AccessRole', mesh: '', name, labels: { [managedByLabel]: managedBySkerry }, spec: { rules: shown } }
    return { ...draft, labels: { ...draft.labels, ...computedLabels(draft, originOf(role)) } }
  })
  await registry.commit(drafts.map(draft => ({ kind: 'put', draft })))
}
