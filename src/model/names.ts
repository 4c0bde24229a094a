import { displayNameLabel, namespaceLabel, zoneLabel } from './labels.ts'
import type { Resource } from './resource.ts'

/** The name that people gave it: synced resources are stored under another one. */
export function displayNameOf(resource: Pick<Resource, 'name' | 'labels'>): string {
  return resource.labels[displayNameLabel] ?? resource.name
}

const namesKept: ReadonlySet<string> = new Set(['Mesh', 'Secret', 'GlobalSecret'])

/** Do resources of this kind keep their name when they are synced? */
export function keepsNameOnSync(kind: string): boolean {
  return namesKept.has(kind)
}

/**
 * The name under which a resource of another control plane is stored: unique for mesh, zone, namespace and display name.
 * Kuma's algorithm (`pkg/kds/hash/hash.go`): FNV-1a-64 over the parts without separators, and each *character* of the hash's
 * hexadecimal text taken modulo 27 into an alphabet without vowels, so that no words arise.
 */
export function syncedName(displayName: string, mesh: string, zone = '', namespace = ''): string {
  const hex = fnv1a64(mesh + displayName + zone + namespace)
  let suffix = ''
  for (let index = 0; index < hex.length; index++) suffix += alphabet[hex.charCodeAt(index) % alphabet.length]
  return `${displayName.slice(0, 236)}-${suffix}`
}

/** As `syncedName`, of a resource whose labels say where it comes from. */
export function syncedNameOf(resource: Pick<Resource, 'mesh' | 'name' | 'labels'>): string {
  return syncedName(displayNameOf(resource), resource.mesh, resource.labels[zoneLabel], resource.labels[namespaceLabel])
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** 16 hexadecimal digits. http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash.toString(16).padStart(16, '0')
}
