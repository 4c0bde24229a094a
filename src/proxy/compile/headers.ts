import { HeaderValueOption_HeaderAppendAction as AppendAction, type HeaderValueOption } from '../../gen/envoy/config/core/v3/base_pb.js'
import type { Reasons } from './compiled.ts'
import type { HeaderEdits } from './table.ts'

interface Edited {
  readonly requestHeadersToAdd: readonly HeaderValueOption[]
  readonly requestHeadersToRemove: readonly string[]
  readonly responseHeadersToAdd: readonly HeaderValueOption[]
  readonly responseHeadersToRemove: readonly string[]
}

export function requestEdits(from: Edited, path: string, reasons: Reasons): HeaderEdits {
  return edits(from.requestHeadersToAdd, from.requestHeadersToRemove, `${path}request_headers_to_add`, reasons)
}

export function responseEdits(from: Edited, path: string, reasons: Reasons): HeaderEdits {
  return edits(from.responseHeadersToAdd, from.responseHeadersToRemove, `${path}response_headers_to_add`, reasons)
}

/** Both, the first's first: the way from the most specific level to the least.
 *  https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#custom-request-response-headers */
export function joinEdits(first: HeaderEdits, second: HeaderEdits): HeaderEdits {
  if (isEmpty(second)) return first
  if (isEmpty(first)) return second
  return { set: [...first.set, ...second.set], add: [...first.add, ...second.add], remove: [...first.remove, ...second.remove] }
}

function isEmpty(edits: HeaderEdits): boolean {
  return edits.set.length === 0 && edits.add.length === 0 && edits.remove.length === 0
}

function edits(options: readonly HeaderValueOption[], removed: readonly string[], path: string, reasons: Reasons): HeaderEdits {
  const set: HeaderEdits['set'][number][] = []
  const add: HeaderEdits['add'][number][] = []
  for (const [index, { header, appendAction }] of options.entries()) {
    const at = `${path}[${index}]`
    const name = header?.key ?? ''
    if (!isName(name)) reasons.add(`${at}.header.key`, `${JSON.stringify(name)} is not a header's name`)
    const edit = { name, value: literal(header?.value ?? '', `${at}.header.value`, reasons) }
    if (appendAction === AppendAction.OVERWRITE_IF_EXISTS_OR_ADD) set.push(edit)
    else if (appendAction === AppendAction.APPEND_IF_EXISTS_OR_ADD) add.push(edit)
    else reasons.add(`${at}.append_action`, `${AppendAction[appendAction] ?? appendAction} is not supported by this proxy`)
  }
  return { set, add, remove: removed.map(name => name.toLowerCase()) }
}

/** A value without substitutions: `%%` is a per cent sign, `%NAME%` would be replaced by Envoy. */
function literal(value: string, path: string, reasons: Reasons): string {
  const plain = value.replaceAll('%%', '')
  if (plain.includes('%')) reasons.add(path, 'substitutions (%…%) are not supported by this proxy')
  // A line break would let a header say that another header begins.
  if (/[\r\n\0]/.test(value)) reasons.add(path, 'must not contain line breaks')
  return value.replaceAll('%%', '%')
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
function isName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)
}
