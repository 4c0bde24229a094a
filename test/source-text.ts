/** What a file of source says, without what it only mentions. */
export interface SourceText {
  /** Comments blanked. */
  readonly code: string
  /** Comments and the insides of strings and regular expressions blanked; expressions in templates stay. */
  readonly words: string
}

/** Blanks keep every character's place, so that offsets are those of the file. Knows enough of the grammar for source that type-checks. */
export function readSource(source: string): SourceText {
  const code = [...source]
  const words = [...source]
  const blank = (target: string[], from: number, to: number) => {
    for (let i = from; i < to; i++) if (target[i] !== '\n') target[i] = ' '
  }
  /** Depths of braces at which a template's expression ends. */
  const templates: number[] = []
  let depth = 0
  let i = 0
  const skipTemplate = () => {
    const from = i
    while (i < source.length && source[i] !== '`') {
      if (source.startsWith('${', i)) {
        blank(words, from, i)
        i += 2
        templates.push(depth++)
        return
      }
      i += source[i] === '\\' ? 2 : 1
    }
    blank(words, from, i)
    i++
  }
  while (i < source.length) {
    const from = i
    const char = source[i]!
    if (source.startsWith('//', i)) {
      i = endOf(source, '\n', i)
      blank(code, from, i)
      blank(words, from, i)
    } else if (source.startsWith('/*', i)) {
      i = endOf(source, '*/', i + 2) + 2
      blank(code, from, i)
      blank(words, from, i)
    } else if (char === "'" || char === '"') {
      for (i++; i < source.length && source[i] !== char; i++) if (source[i] === '\\') i++
      i++
      blank(words, from + 1, i - 1)
    } else if (char === '`') {
      i++
      skipTemplate()
    } else if (char === '/' && beginsRegExp(words, i)) {
      for (let inClass = false; ++i < source.length && (inClass || source[i] !== '/'); ) {
        if (source[i] === '\\') i++
        else if (source[i] === '[') inClass = true
        else if (source[i] === ']') inClass = false
      }
      i++
      blank(words, from + 1, i - 1)
    } else if (char === '{') {
      depth++
      i++
    } else if (char === '}') {
      depth--
      i++
      if (templates.at(-1) === depth) {
        templates.pop()
        skipTemplate()
      }
    } else i++
  }
  return { code: code.join(''), words: words.join('') }
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found < 0 ? source.length : found
}

/** A slash divides after a value; anywhere else it begins a regular expression. */
function beginsRegExp(words: readonly string[], at: number): boolean {
  let i = at - 1
  while (i >= 0 && /\s/.test(words[i]!)) i--
  if (i < 0 || /[(,=:[!&|?{};+\-*%<>~^]/.test(words[i]!)) return true
  const word = /(?:^|[^\w$.])(\w+)$/.exec(words.slice(Math.max(0, i - 12), i + 1).join(''))?.[1]
  return word === 'return' || word === 'case' || word === 'of' || word === 'in' || word === 'typeof' || word === 'await'
}

export interface Import {
  readonly specifier: string
  /** `value`: loads the module at start. `dynamic`: loads it when reached. `type`: gone at run time. */
  readonly kind: 'value' | 'type' | 'dynamic'
  readonly line: number
}

/** Every import and re-export with a literal specifier. `import { type A }` still loads the module, so it counts as a value's. */
export function readImports({ code, words }: SourceText): Import[] {
  const imports: Import[] = []
  const add = (at: number, quote: number, kind: Import['kind']) => {
    const specifier = code.slice(quote + 1, code.indexOf(code[quote]!, quote + 1))
    imports.push({ specifier, kind, line: code.slice(0, at).split('\n').length })
  }
  for (const match of words.matchAll(/^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w$*{][^;'"`=()]*?\sfrom\s*)?(?=['"])/gm)) {
    add(match.index, match.index + match[0].length, match[1] ? 'type' : 'value')
  }
  for (const match of words.matchAll(/\bimport\(\s*(?=['"])/g)) add(match.index, match.index + match[0].length, 'dynamic')
  return imports
}
