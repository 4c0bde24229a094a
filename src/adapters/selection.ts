import type { DiscoverySelection, DiscoverySourceSpec } from '../model/kinds/discovery-source.ts'

/** What a selection looks at, in the platform's own spelling. */
export interface Selectable {
  readonly name: string
  readonly namespace?: string
  /** Labels or tags. */
  readonly labels: Readonly<Record<string, string>>
}

/** Why a source's `include` and `exclude` leave a thing out, in words for people; null: they do not. */
export function leftOutBecause(thing: Selectable, { include, exclude }: Pick<DiscoverySourceSpec, 'include' | 'exclude'>): string | null {
  const excluded = exclude?.findIndex(selection => misfit(thing, selection) === null) ?? -1
  if (excluded >= 0) return `exclude[${excluded}] fits it`
  if (include === undefined) return null
  const misfits = include.map(selection => misfit(thing, selection))
  if (misfits.includes(null)) return null
  return `no include fits it: ${misfits.map((reason, index) => `include[${index}]: ${reason}`).join('; ') || 'the list is empty'}`
}

/** Does a text fit a pattern in which `*` stands for any characters? */
export function fitsPattern(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return text === pattern
  const last = rest.pop()!
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  const end = text.length - last.length
  // The leftmost place for each part leaves the most room for those after it: no backtracking, whatever the pattern.
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** The first thing that a selection asks for and does not find; null: all of it fits. */
function misfit({ name, namespace, labels }: Selectable, { matchLabels, names, namespaces }: DiscoverySelection): string | null {
  for (const [label, wanted] of Object.entries(matchLabels ?? {})) {
    if (!Object.hasOwn(labels, label)) return `it has no label ${label}`
    if (labels[label] !== wanted) return `its label ${label} is ${JSON.stringify(labels[label])}, not ${JSON.stringify(wanted)}`
  }
  if (names !== undefined && !names.some(pattern => fitsPattern(name, pattern))) return `its name ${name} fits none of ${names.join(', ')}`
  if (namespaces !== undefined && !namespaces.some(pattern => namespace !== undefined && fitsPattern(namespace, pattern)))
    return `its namespace ${namespace ?? '(none)'} fits none of ${namespaces.join(', ')}`
  return null
}
