import type { Field } from '../field.ts'
import { targetsOf } from './legacy-policy.ts'
import { moveFields } from './move-fields.ts'
import type { Output } from './output.ts'
import { topOf } from './policy.ts'
import type { Source } from './source.ts'
import type { World } from './world.ts'

/** Of a ProxyTemplate the modifications: its own resources and profiles are gone. */
export function convertProxyTemplate(source: Source, _: World, out: Output): void {
  const conf = source.spec.member('conf')
  for (const item of conf?.member('imports')?.items() ?? [])
    if (item.value === 'default-proxy') item.keep('a proxy always has it')
    else item.drop('there are no other profiles')
  conf?.member('resources')?.drop('whole resources of Envoy: write each as an Add of a MeshProxyPatch')
  const appendModifications = (conf?.member('modifications')?.items() ?? []).map(item =>
    Object.fromEntries(item.members().map(modification)),
  )
  if (appendModifications.length === 0) {
    if (conf?.member('resources') !== undefined) source.root.drop('none of it can be carried over')
    return
  }
  for (const { target, field } of targetsOf(source, 'selectors'))
    out.add(source, { kind: 'MeshProxyPatch', spec: { ...topOf(target), default: { appendModifications } }, field })
}

function modification([sort, field]: readonly [string, Field]): readonly [string, unknown] {
  const moved = moveFields(field, [
    { from: 'operation', to: 'operation', value: it => `${String(it).charAt(0).toUpperCase()}${String(it).slice(1)}` },
    { from: 'value', to: 'value' },
    { from: 'jsonPatches', to: 'jsonPatches' },
    ...['name', 'origin', 'listenerName', 'routeConfigurationName'].map(name => ({
      from: `match.${name}`,
      to: `match.${name}`,
      how: "Envoy's resources are called otherwise: compare it with skerry inspect dataplane",
    })),
  ])
  return [sort, moved]
}
