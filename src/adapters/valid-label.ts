/** Whose labels mean something to the mesh: a tag of a cloud must not speak with its voice. */
const ownDomains = ['kuma.io', 'skerry.io']

/** A label's name made of a tag's: null when nothing of it can be one, or when it is one that the control plane gives meaning to. */
export function validLabelName(text: string): string | null {
  const slash = text.lastIndexOf('/')
  const name = trimmed(text.slice(slash + 1))
  if (name === '') return null
  if (slash < 0) return name
  const domain = text
    .slice(0, slash)
    .toLowerCase()
    .split(/[^a-z0-9-]+/)
    .map(part => part.replace(/^-+|-+$/g, ''))
    .filter(part => part !== '')
    .join('.')
  if (domain === '' || domain.length > 253) return name
  return isOwn(domain) ? null : `${domain}/${name}`
}

/** A label's value made of a tag's: what a label cannot carry becomes `-`, and 63 characters are kept. */
export function validLabelValue(text: string): string {
  return trimmed(text)
}

/** May a source set this label? */
export function isFreeLabel(label: string): boolean {
  const slash = label.lastIndexOf('/')
  return slash < 0 || !isOwn(label.slice(0, slash).toLowerCase())
}

function isOwn(domain: string): boolean {
  return ownDomains.some(own => domain === own || domain.endsWith(`.${own}`))
}

function trimmed(text: string): string {
  const edges = /^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g
  return text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(edges, '')
    .slice(0, 63)
    .replace(edges, '')
}
