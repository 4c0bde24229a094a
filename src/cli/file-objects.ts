import { type Document, isMap, isNode, isPair, LineCounter, parseAllDocuments } from 'yaml'
import type { KindDefinition } from '../model/kind.ts'
import { kindByName, kinds } from '../model/kinds/index.ts'
import { ownsMesh } from '../model/wire.ts'
import { didYouMean } from '../std/did-you-mean.ts'
import { type FieldPath, parseField, toPointer } from './field-path.ts'

/** One object of a file, and the way back from its fields to the lines that a person wrote. */
export interface FileObject {
  readonly kind: KindDefinition
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
  /** `FILE:LINE:COLUMN` of a field (`spec.to[0].default`), or of the nearest one around it that is there. */
  place(field: string): string
}

export interface ParsedText {
  readonly objects: readonly FileObject[]
  /** `FILE:LINE:COLUMN POINTER: what is wrong`. */
  readonly problems: readonly string[]
}

/** An object of a text, and where its parts stand. */
export interface FileItem {
  readonly value: unknown
  /** `FILE:LINE:COLUMN` of a path, or of the nearest around it that is there. */
  place(path: FieldPath): string
  /** From the top of its document. */
  readonly prefix: FieldPath
}

/** Many documents, or lists as the API answers them (`items`). JSON is YAML: one parser, so that both know their lines. */
export function parseItems(file: string, text: string): { readonly items: readonly FileItem[]; readonly problems: readonly string[] } {
  const lines = new LineCounter()
  const items: FileItem[] = []
  const problems: string[] = []
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  for (const document of parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true }) as Document[]) {
    problems.push(...document.errors.map(error => `${at(error.pos[0])}: ${error.message.split('\n')[0]}`))
    if (document.errors.length > 0 || document.contents === null) continue
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (value === null) continue
    for (const { prefix, item } of itemsOf(value))
      items.push({ value: item, prefix, place: path => at(offsetOf(document, [...prefix, ...path])) })
  }
  return { items, problems }
}

/** The objects of a text, as far as their envelopes can be read. */
export function parseObjects(file: string, text: string, defaultMesh: string): ParsedText {
  const { items, problems: unreadable } = parseItems(file, text)
  const objects: FileObject[] = []
  const problems = [...unreadable]
  for (const { value, prefix, place } of items) {
    const read = readObject(value, defaultMesh)
    if (read.kind === 'bad')
      problems.push(
        ...read.problems.map(
          ({ path, reason }) => `${[place(path), toPointer([...prefix, ...path])].filter(Boolean).join(' ')}: ${reason}`,
        ),
      )
    else objects.push({ ...read.object, place: field => place(parseField(field)) })
  }
  return { objects, problems }
}

function itemsOf(value: unknown): { readonly prefix: FieldPath; readonly item: unknown }[] {
  const { items, type } = value as { readonly items?: unknown; readonly type?: unknown }
  if (type === undefined && Array.isArray(items)) return items.map((item: unknown, index) => ({ prefix: ['items', index], item }))
  return [{ prefix: [], item: value }]
}

/** Where a path's key stands; for what is not there, where its parent does. */
function offsetOf(document: Document, path: FieldPath): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true)
    const step = path[length - 1]!
    const pair = isMap(parent) ? parent.items.find(item => isPair(item) && String(item.key) === String(step)) : undefined
    const node: unknown = pair ? pair.key : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0
}

type Read =
  | { readonly kind: 'ok'; readonly object: Omit<FileObject, 'place'> }
  | { readonly kind: 'bad'; readonly problems: readonly { readonly path: FieldPath; readonly reason: string }[] }

/** What the server adds to an object: what `get -o yaml` printed can be applied again. */
const serverMade = new Set(['creationTime', 'modificationTime', 'kri', 'snis', 'status'])

/** The envelope only: everything below it is the server's to judge, which knows every field. */
function readObject(item: unknown, defaultMesh: string): Read {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return { kind: 'bad', problems: [{ path: [], reason: 'an object is wanted here, with type: and name:' }] }
  const body = item as Readonly<Record<string, unknown>>
  const { type, name, mesh } = body
  if (type === undefined && 'apiVersion' in body) {
    return {
      kind: 'bad',
      problems: [
        {
          path: ['apiVersion'],
          reason: 'this is the Kubernetes form; the universal one has type:, mesh: and name: at the top, and the same spec:',
        },
      ],
    }
  }
  const problems: { path: FieldPath; reason: string }[] = []
  const kind = typeof type === 'string' ? kindByName(type) : undefined
  if (type === undefined) problems.push({ path: [], reason: 'type: is missing, e.g. type: MeshTrafficPermission' })
  else if (kind === undefined) {
    const names = kinds.filter(known => !known.readOnly).map(known => known.kind)
    problems.push({ path: ['type'], reason: `there is no kind ${JSON.stringify(type)}${didYouMean(String(type), names)}` })
  } else if (kind.readOnly) problems.push({ path: ['type'], reason: `${kind.kind} is made by the control plane: it cannot be applied` })
  if (typeof name !== 'string' || name === '')
    problems.push({ path: name === undefined ? [] : ['name'], reason: name === undefined ? 'name: is missing' : 'a name is a text' })
  if (mesh !== undefined && typeof mesh !== 'string') problems.push({ path: ['mesh'], reason: 'a mesh is named by a text' })
  if (mesh !== undefined && kind?.scope === 'global' && !ownsMesh(kind))
    problems.push({ path: ['mesh'], reason: `a ${kind.kind} belongs to no mesh` })
  if (problems.length > 0) return { kind: 'bad', problems }
  const ofMesh = kind!.scope === 'global' ? '' : ((mesh as string | undefined) ?? defaultMesh)
  const written = Object.fromEntries(Object.entries(body).filter(([field]) => !serverMade.has(field)))
  return {
    kind: 'ok',
    object: { kind: kind!, mesh: ofMesh, name: name as string, body: { ...written, ...(ofMesh ? { mesh: ofMesh } : {}) } },
  }
}
