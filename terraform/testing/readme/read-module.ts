import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Input {
  readonly name: string
  readonly description: string
  /** As written, on one line. */
  readonly type: string
  /** undefined: it must be given. */
  readonly default: string | undefined
}

export interface Output {
  readonly name: string
  readonly description: string
}

/** What a module takes and gives, of its files as `terraform fmt` writes them. */
export interface ModuleInterface {
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  /** Source address → version constraint. */
  readonly providers: readonly { readonly source: string; readonly version: string }[]
}

export function readModule(directory: string): ModuleInterface {
  const text = readdirSync(directory)
    .filter(file => file.endsWith('.tf'))
    .sort()
    .map(file => readFileSync(join(directory, file), 'utf8'))
    .join('\n')
  return {
    inputs: blocksOf(text, 'variable').map(({ name, body }) => ({
      name,
      description: textOf(argument(body, 'description')),
      type: oneLine(argument(body, 'type') ?? 'any'),
      default: mapDefined(argument(body, 'default'), oneLine),
    })),
    outputs: blocksOf(text, 'output').map(({ name, body }) => ({ name, description: textOf(argument(body, 'description')) })),
    providers: [...text.matchAll(/source {2}= "([^"./]+\/[^"./]+)"\n\s+version = "([^"]+)"/g)].map(([, source, version]) => ({
      source: source!,
      version: version!,
    })),
  }
}

/** Blocks at the left margin, which their closing brace ends. */
function blocksOf(text: string, kind: string): { readonly name: string; readonly body: string }[] {
  return [...text.matchAll(new RegExp(`^${kind} "(\\w+)" \\{\\n([\\s\\S]*?)^\\}`, 'gm'))].map(([, name, body]) => ({
    name: name!,
    body: body!,
  }))
}

/** The expression of an argument of a block, which goes on while lines are indented further or close what it opened. */
function argument(body: string, name: string): string | undefined {
  return new RegExp(`^ {2}${name} += (.*(?:\\n(?: {4}.*| {2}[\\])}].*))*)`, 'm').exec(body)?.[1]
}

function textOf(expression: string | undefined): string {
  return expression === undefined ? '' : (JSON.parse(expression) as string)
}

function oneLine(expression: string): string {
  const lines = expression.split('\n').map(line => line.trim().replace(/ +/g, ' '))
  return lines
    .join(', ')
    .replaceAll(/([({[]), /g, '$1 ')
    .replaceAll(/, ([)}\]])/g, ' $1')
    .replaceAll(/,,/g, ',')
    .replaceAll(/([([]) /g, '$1')
    .replaceAll(/ ([)\]])/g, '$1')
}

function mapDefined<T, U>(value: T | undefined, map: (value: T) => U): U | undefined {
  return value === undefined ? undefined : map(value)
}
