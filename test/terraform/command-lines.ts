import { type Everything, userDataOf } from './everything.ts'

/** A command of ours that a module makes some machine run. */
export interface CommandLine {
  /** What runs it. */
  readonly where: string
  /** After `skerry`. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

interface Container {
  readonly name: string
  readonly entryPoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: readonly { readonly name: string; readonly value: string }[]
  readonly secrets?: readonly { readonly name: string }[]
}

export function commandLinesOf(everything: Everything): CommandLine[] {
  const tasks = everything.resources.filter(({ type }) => type === 'aws_ecs_task_definition')
  const ofContainers = tasks.flatMap(({ address, values }) =>
    (JSON.parse(values.container_definitions) as Container[]).flatMap(container => ofContainer(address, container)),
  )
  const ofMachines = [...userDataOf(everything)].flatMap(([where, { write_files }]) =>
    write_files
      .filter(({ path }) => path.startsWith('/opt/skerry/'))
      .flatMap(({ path, content }) => commandsIn(content).map(words => ({ where: `${where} ${path}`, words, environment: {} }))),
  )
  return [...ofContainers, ...ofMachines]
}

function ofContainer(task: string, { name, entryPoint = [], command = [], environment = [], secrets = [] }: Container): CommandLine[] {
  const where = `${task} ${name}`
  const given = Object.fromEntries([...environment.map(it => [it.name, it.value]), ...secrets.map(it => [it.name, 'a-secret'])])
  if (entryPoint[0] === 'skerry') return [{ where, words: command, environment: given }]
  return commandsIn(command.join(' ')).map(words => ({ where, words, environment: given }))
}

/** Each `skerry …` of a shell script, up to what ends a command. */
function commandsIn(script: string): string[][] {
  return [...script.matchAll(/(?:^|[\s/])skerry (['a-z].*?)(?= && |; |$| >)/gm)].map(([, words]) => wordsOf(words!))
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/g)].map(([word]) => word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, '$1$2$3'))
}
