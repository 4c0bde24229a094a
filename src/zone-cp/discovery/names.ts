import { dnsLabelOf, shortHash } from '../../adapters/dns-label.ts'

/** Marks a name that a registry remembers in place of the platform's own, which it does not have. */
const mark = '~'

/** A scope as a label's value: readable, and unique by its hash. */
export function scopeKey(scope: string): string {
  return `${dnsLabelOf(scope).slice(0, 52).replace(/-+$/, '')}-${shortHash(scope)}`
}

/** A found thing in the names of resources; of one that is only remembered it is what is remembered. */
export function fingerprint(source: string, scopeKey: string, id: string): string {
  return id.startsWith(mark) ? id : `${mark}${shortHash(`${source}\n${scopeKey}\n${id}`, 12)}`
}

/** Of the Dataplane that a found workload becomes. */
export function dataplaneName(workload: string, fingerprint: string): string {
  return `${workload.slice(0, 50).replace(/-+$/, '')}-${fingerprint.slice(mark.length)}`
}

/** What `dataplaneName` made the name of. */
export function fingerprintOf(dataplane: string): string {
  return `${mark}${dataplane.slice(dataplane.lastIndexOf('-') + 1)}`
}
