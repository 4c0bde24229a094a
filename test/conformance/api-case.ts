import { basename, dirname, join } from 'node:path'
import { filesUnder, readText, readTextIfThere, yamlDocuments } from './data.ts'

/** One request of a case and what must be answered. */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly status: number
  /** JSON text, sent as it is. */
  readonly body: string | undefined
  /** JSON; undefined = an empty answer. */
  readonly golden: unknown
}

export interface ApiCase {
  readonly name: string
  /** What the store holds before the first request. */
  readonly seed: readonly Readonly<Record<string, unknown>>[]
  readonly requests: readonly ApiRequest[]
}

const ENDING = '.input.yaml'

/** Reads every case of a folder: the first comment lines of `x.input.yaml` are requests, the rest what the store holds. Answers with
 *  no input beside them are of cases without a store's content: their path is their name. */
export function readApiCases(folder: string): ApiCase[] {
  const inputs = filesUnder(folder, path => path.endsWith(ENDING)).map(path => readInput(folder, path))
  const base = filesUnder(join(folder, 'base_endpoints'), path => path.endsWith('.golden.json')).map(path => readBase(folder, path))
  return [...base, ...inputs]
}

function readInput(folder: string, path: string): ApiCase {
  const text = readText(folder, path)
  const actions = requestLines(text)
  if (actions.length === 0) throw new Error(`${path} has no request line`)
  const name = path.slice(0, -ENDING.length)
  const requests = actions.map((action, index): ApiRequest => {
    const numbered = actions.length > 1 ? `${name}_${String(index).padStart(2, '0')}` : name
    const sends = action.method === 'PUT' || action.method === 'POST'
    const golden = readTextIfThere(folder, `${numbered}.golden.json`)
    return {
      ...action,
      body: sends ? readText(folder, `${numbered}.request.json`) : undefined,
      golden: golden === undefined ? undefined : JSON.parse(golden),
    }
  })
  return { name, seed: yamlDocuments(text), requests }
}

function readBase(folder: string, path: string): ApiCase {
  const name = basename(path, '.golden.json')
  const golden = JSON.parse(readText(folder, 'base_endpoints', path)) as unknown
  return {
    name: join('base_endpoints', dirname(path), name),
    seed: [],
    requests: [{ method: 'GET', path: `/${name}`, status: 200, body: undefined, golden }],
  }
}

/** `#/path STATUS [method=PUT]`; other comments between them are for people. */
function requestLines(text: string): { method: string; path: string; status: number }[] {
  const lines = text.split('\n')
  const end = lines.findIndex(line => !line.startsWith('#'))
  return lines.slice(0, end === -1 ? undefined : end).flatMap(line => {
    const match = /^#(\/\S*) +(\d{3})(?: +method=([A-Z]+))? *$/.exec(line)
    if (match === null && line.startsWith('#/')) throw new Error(`cannot read the request ${JSON.stringify(line)}`)
    return match === null ? [] : [{ path: match[1]!, status: Number(match[2]), method: match[3] ?? 'GET' }]
  })
}
