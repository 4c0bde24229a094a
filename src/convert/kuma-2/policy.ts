import type { Keywords } from '../../model/keywords.ts'
import { kindByName } from '../../model/kinds/index.ts'
import type { TargetRef } from '../../model/target-ref.ts'
import { copyKnown } from '../copy-known.ts'
import type { Field } from '../field.ts'
import { callers } from './callers.ts'
import { convertConf } from './conf.ts'
import { crossZoneItems } from './cross-zone.ts'
import { destinations } from './destination.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import { topTargets } from './top-target.ts'
import type { World } from './world.ts'

/** Kinds whose policy is either for what goes out or for what comes in. */
const oneDirection: ReadonlySet<string> = new Set(['MeshTimeout', 'MeshRateLimit', 'MeshAccessLog'])

/** A Mesh* policy of Kuma 2, but for routes and permissions: the same kind, with `from` as `rules` and references by labels. */
export function convertPolicy(source: Source, world: World, out: Output): void {
  const { spec, root } = source
  const schema = kindByName(source.type)!.spec as Keywords
  const targets = topTargets(spec.member('targetRef'), source, world, false)
  if (targets.kind === 'impossible') {
    root.drop(targets.why)
    return
  }
  const known = schema.properties ?? {}
  const to = (spec.member('to')?.items() ?? []).flatMap(item => toItems(item, known.to?.items, source, world, out))
  const rules = [
    ...(spec.member('from')?.items() ?? []).flatMap(item => fromItem(item, known.rules?.items, source, world, out)),
    ...(spec.member('rules')?.items() ?? []).flatMap(item => (known.rules ? [out.item(copyKnown(known.rules.items!, item), item)] : [])),
  ]
  const conf = spec.member('default')
  const ofAll = conf === undefined || known.default === undefined ? {} : { default: convertConf(known.default, conf, source, out) }
  const parts =
    to.length > 0 && rules.length > 0 && oneDirection.has(source.type)
      ? [
          { name: source.name, lists: { to }, field: spec.member('to')! },
          { name: `${source.name}-inbound`, lists: { rules }, field: spec.member('from') ?? spec.member('rules')! },
        ]
      : [{ name: undefined, lists: { ...(to.length > 0 ? { to } : {}), ...(rules.length > 0 ? { rules } : {}) }, field: root }]
  const wantsLists = (known.to !== undefined || known.rules !== undefined) && known.default === undefined
  if (wantsLists && to.length === 0 && rules.length === 0) {
    root.drop('nothing of it is left: see its fields')
    return
  }
  for (const target of targets.value)
    for (const { name, lists, field } of parts)
      out.add(source, { kind: source.type, ...(name === undefined ? {} : { name }), spec: { ...topOf(target), ...ofAll, ...lists }, field })
}

export function topOf(target: TargetRef | undefined): { readonly targetRef?: TargetRef } {
  return target === undefined ? {} : { targetRef: target }
}

function toItems(item: Field, schema: Keywords | undefined, source: Source, world: World, out: Output): object[] {
  const ref = item.member('targetRef')
  const conf = item.member('default')
  if (schema === undefined || ref === undefined) {
    item.drop(schema === undefined ? `a ${source.type} has no "to"` : 'it has no targetRef')
    return []
  }
  const found = destinations(ref, source.mesh, world)
  if (found.kind === 'impossible') {
    item.drop(found.why)
    return []
  }
  const converted = conf === undefined ? {} : convertConf(schema.properties!.default!, conf, source, out)
  const items = found.value.map(targetRef => ({ targetRef, default: converted }))
  const all = source.type === 'MeshLoadBalancingStrategy' ? crossZoneItems(items, item, source, world) : items
  return all.map(it => out.item(it, item))
}

function fromItem(item: Field, schema: Keywords | undefined, source: Source, world: World, out: Output): object[] {
  const ref = item.member('targetRef')
  const conf = item.member('default')
  const found = schema === undefined || ref === undefined ? undefined : callers(ref, source.mesh, world)
  if (schema === undefined || ref === undefined || found === undefined || found.kind === 'impossible') {
    item.drop(found?.kind === 'impossible' ? found.why : `a ${source.type} has no rules for what comes in`)
    return []
  }
  const isForAll = ref.text('kind') === 'Mesh'
  if (!isForAll && schema.properties?.matches === undefined) {
    item.drop(`the rules of a ${source.type} are for all callers`)
    return []
  }
  const converted = conf === undefined ? {} : convertConf(schema.properties!.default!, conf, source, out)
  return [out.item({ ...(isForAll ? {} : { matches: found.value }), default: converted }, item)]
}
