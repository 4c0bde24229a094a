import type { Keywords } from '../../model/keywords.ts'
import { kindByName } from '../../model/kinds/index.ts'
import { managedByLabel } from '../../model/labels.ts'
import { copyKnown } from '../copy-known.ts'
import { secretData } from './mesh-identity.ts'
import type { Output } from './output.ts'
import { namespaceLabels, type Source } from './source.ts'
import { selectByTags } from './tags.ts'
import type { World } from './world.ts'

/** Kinds that are the same: what their schema knows is kept. */
export function convertSame(source: Source, _: World, out: Output): void {
  const spec = copyKnown(kindByName(source.type)!.spec as Keywords, source.spec) as object
  out.add(source, { kind: source.type, spec, labels: { ...namespaceLabels(source), ...source.labels } })
}

/** A Secret: its data stands beside its name, or – in Kubernetes' form – under `data.value`. Kuma 2 sent those of a mesh to every zone; here each
 *  zone is given its own. */
export function convertSecret(source: Source, { zones }: World, out: Output): void {
  const data = secretData(source)
  if (data === undefined) {
    source.root.drop('it has no data')
    return
  }
  source.root.member('data')!.keep()
  if (source.type === 'GlobalSecret' || zones.length === 0) out.add(source, { kind: source.type, spec: { data } })
  else for (const zone of zones) out.add(source, { kind: source.type, spec: { data }, zone })
}

/** A MeshService: selected by labels instead of tags. Those that Kuma 2 made are made anew from workloads. */
export function convertMeshService(source: Source, _: World, out: Output): void {
  const manager = source.root.text('labels', managedByLabel) ?? source.root.at('metadata', 'labels')?.text(managedByLabel)
  if (manager !== undefined && source.namespace === undefined) {
    source.root.keep('made by a control plane, which makes it anew from the workloads')
    return
  }
  const tags = source.spec.at('selector', 'dataplaneTags')
  const found = tags === undefined ? undefined : selectByTags(tags)
  if (found?.kind === 'impossible') {
    source.root.drop(found.why)
    return
  }
  for (const identity of source.spec.member('identities')?.items() ?? [])
    if (identity.text('type') === 'ServiceTag') identity.keep('the zone says whose identities they are')
  const selector = source.spec.member('selector')
  const schema = kindByName('MeshService')!.spec as Keywords
  const identities = (source.spec.member('identities')?.items() ?? []).filter(it => it.text('type') !== 'ServiceTag')
  const copied = copyKnown(schema, source.spec, ['selector', 'identities']) as object
  out.add(source, {
    kind: 'MeshService',
    labels: { ...namespaceLabels(source), ...source.labels },
    spec: {
      ...copied,
      ...(selector === undefined
        ? {}
        : {
            selector: {
              ...(copyKnown(schema.properties!.selector!, selector, ['dataplaneTags']) as object),
              ...(found === undefined ? {} : { dataplaneLabels: { matchLabels: found.value } }),
            },
          }),
      ...(identities.length > 0 ? { identities: identities.map(it => copyKnown(schema.properties!.identities!.items!, it)) } : {}),
    },
  })
}
