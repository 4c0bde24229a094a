import { portsOf, type RawPort, type SlicePort } from '../cluster-objects.ts'
import { factsOf, type ObjectFacts, type RawObject } from '../object-facts.ts'

/** ServiceExport and ServiceImport, as far as they are read. https://multicluster.sigs.k8s.io/concepts/multicluster-services-api/ */

export const mcsGroup = 'multicluster.x-k8s.io'

export interface ImportFacts extends ObjectFacts {
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Those of ours: others are their controllers' notes. */
  readonly annotations: Readonly<Record<string, string>>
  /** By which the service is called from within this cluster, the preferred one first; of a headless one none. */
  readonly ips: readonly string[]
  readonly isHeadless: boolean
  readonly ports: readonly SlicePort[]
  /** Names of the clusters that export it, as their controller has them. */
  readonly clusters: readonly string[]
}

interface RawImport extends RawObject {
  readonly spec?: {
    readonly type?: string
    readonly ips?: readonly string[] | null
    readonly ports?: readonly RawPort[]
  }
  readonly status?: { readonly clusters?: readonly { readonly cluster?: string }[] | null }
}

/** A ServiceExport says all by its name, which is that of a Service. */
export function exportFacts(raw: RawObject): ObjectFacts {
  const { uid, key } = factsOf(raw)
  return { uid, key }
}

/** `v1alpha1` and `v1beta1` have these fields in common. */
export function importFacts(raw: RawImport): ImportFacts {
  const { metadata, spec, status } = raw
  return {
    ...factsOf(raw),
    labels: metadata?.labels ?? {},
    annotations: Object.fromEntries(Object.entries(metadata?.annotations ?? {}).filter(([name]) => name.startsWith('skerry.io/'))),
    ips: (spec?.ips ?? []).filter(ip => ip !== ''),
    isHeadless: spec?.type === 'Headless',
    ports: portsOf(spec?.ports ?? []),
    clusters: (status?.clusters ?? []).map(it => it.cluster ?? '').filter(name => name !== ''),
  }
}
