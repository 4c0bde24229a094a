import { hash } from 'node:crypto'

/** Who did it. */
export interface AuditActor {
  readonly name: string
  readonly groups: readonly string[]
  /** `jti` of the token. */
  readonly tokenId?: string
}

/** A resource at one moment, without what is in it. */
export interface AuditState {
  readonly revision: number
  /** SHA-256 of labels and spec as canonical JSON, hex; absent for what is secret, which might be guessed from it. */
  readonly digest?: string
}

/** One resource of several that a request changed. */
export interface AuditChange {
  readonly verb: string
  readonly kind: string
  readonly mesh?: string
  readonly name: string
  readonly before?: AuditState
  readonly after?: AuditState
}

/** What is put on record. Never holds a secret: no bodies, no tokens. */
export interface AuditDraft {
  /** null: nobody who could be told, or the log itself. */
  readonly who: AuditActor | null
  /** Address that the request came from; '' for the log's own entries. */
  readonly remote: string
  /** The request's id, which its answer and the server's log have too. */
  readonly request?: string
  readonly verb: string
  readonly area: string
  readonly kind?: string
  readonly mesh?: string
  readonly name?: string
  /** Of the request, where nothing else says what it was about. */
  readonly path?: string
  readonly before?: AuditState
  readonly after?: AuditState
  readonly changes?: readonly AuditChange[]
  readonly decision: 'allowed' | 'denied'
  /** Of the answer, as HTTP has it. */
  readonly status?: number
  /** Why it was denied, or how it failed. */
  readonly reason?: string
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Where a chain stands: what the next entry builds on. */
export interface AuditHead {
  /** Of the last entry; 0 = there is none. */
  readonly sequence: number
  /** Of the last entry, SHA-256, hex. */
  readonly hash: string
}

export interface AuditEntry extends AuditDraft, AuditHead {
  /** RFC 3339, UTC. */
  readonly time: string
  /** Hash of the entry before. */
  readonly previous: string
}

export const startOfChain: AuditHead = { sequence: 0, hash: '0'.repeat(64) }

/** An entry as its line in the log: JSON that begins with its sequence and ends with `previous` and `hash`, the hash of all before it. */
export function sealEntry(head: AuditHead, time: string, draft: AuditDraft): { readonly line: string; readonly head: AuditHead } {
  const sequence = head.sequence + 1
  const body = JSON.stringify({ sequence, time, ...draft, previous: head.hash })
  const seal = sha256(body)
  return { line: `${body.slice(0, -1)},"hash":"${seal}"}`, head: { sequence, hash: seal } }
}

export type CheckedLine =
  | { readonly kind: 'ok'; readonly head: AuditHead }
  /** `head`: what the line says of itself, to go on from; undefined for what is no entry. */
  | { readonly kind: 'broken'; readonly reason: string; readonly head: AuditHead | undefined }

const FORM = /^(\{"sequence":(\d{1,15}),.*"previous":"([0-9a-f]{64})"),"hash":"([0-9a-f]{64})"\}$/s

/** Does the line follow on `before`? undefined = it is the first that is kept, and what it follows on is gone. */
export function checkLine(line: string, before: AuditHead | undefined): CheckedLine {
  const [, body, digits, previous, seal] = FORM.exec(line) ?? []
  if (body === undefined || seal === undefined) return { kind: 'broken', reason: 'the line is no entry', head: undefined }
  const head = { sequence: Number(digits), hash: seal }
  const broken = (reason: string) => ({ kind: 'broken', reason, head }) as const
  if (sha256(`${body}}`) !== seal) return broken('the entry was changed: it does not match its hash')
  if (before && head.sequence !== before.sequence + 1) return broken(`entry ${before.sequence} is followed by ${head.sequence}`)
  if (before && previous !== before.hash) return broken('the entry does not follow on the one before it')
  return { kind: 'ok', head }
}

/** JSON with the members of objects in order of their names: what is equal is equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(item => (item === undefined ? 'null' : canonicalJson(item))).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  let members = ''
  for (const name of Object.keys(value).sort()) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`
  }
  return `{${members}}`
}

export function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}
