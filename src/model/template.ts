/**
 * What is wrong with a template in Go's language, as far as ours go (`{{ .Field }}`, `{{ function "text" }}`, pipelines of them), in Go's
 * words; null = nothing. https://pkg.go.dev/text/template
 */
export function templateProblem(template: string, functions: readonly string[]): string | null {
  let rest = template
  for (;;) {
    const open = rest.indexOf('{{')
    if (open < 0) return null
    const close = rest.indexOf('}}', open)
    if (close < 0) return parseError('unclosed action')
    const problem = actionProblem(rest.slice(open + 2, close).replace(/^-\s|\s-$/g, ''), functions)
    if (problem !== null) return parseError(problem)
    rest = rest.slice(close + 2)
  }
}

function parseError(problem: string): string {
  return `couldn't parse template: template: :1: ${problem}`
}

function actionProblem(action: string, functions: readonly string[]): string | null {
  const stages = action.split('|').map(stage => stage.trim().match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [])
  for (const [index, words] of stages.entries()) {
    const [command] = words
    if (command === undefined) return 'missing value for command'
    const isFunction = /^[A-Za-z_]\w*$/.test(command)
    const isField = /^[.]\w*([.]\w+)*$/.test(command)
    if (!isFunction && !isField && (index > 0 || !/^("|[0-9])/.test(command))) {
      return index > 0 ? `non executable command in pipeline stage ${index + 1}` : `unexpected ${JSON.stringify(command)} in command`
    }
    if (isFunction && !functions.includes(command)) return `function ${JSON.stringify(command)} not defined`
    if (!isFunction && words.length > 1 && !isField) return `unexpected ${JSON.stringify(words[1])} in operand`
  }
  return null
}
