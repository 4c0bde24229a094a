import { addSidecar } from '../../convert/ecs-task/add-sidecar.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { badFile, readTexts } from '../files.ts'
import { printDescription } from '../output/description.ts'
import { formatTable } from '../output/table.ts'

/** Puts a proxy beside the application of an ECS task definition: the definition to stdout, with --explain what was added to stderr. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, io, givenMesh } = invocation
  const paths = (options.filename as readonly string[] | undefined) ?? []
  if (paths.length !== 1) throw usageError('which task definition?', 'name one file with -f FILE, or stdin with -f -')
  const [file] = await readTexts(paths, io)
  if (file === undefined) throw badFile(`${paths[0]}: no file in there`, 'name the JSON of one task definition')
  const result = addSidecar(parse(file), {
    cp: needed(options, 'cp', 'the control plane of the zone: --cp HOST:PORT'),
    tokenSecret: needed(options, 'tokenSecret', 'where the token is kept: --token-secret ARN (make one with skerry token dataplane)'),
    image: needed(options, 'image', 'an image in which skerry is a program: --image IMAGE'),
    service: options.service as string | undefined,
    mesh: givenMesh,
    cpu: amount(options, 'cpu'),
    memory: amount(options, 'memory'),
    outbounds: outbounds(options.outbound as readonly string[] | undefined),
  })
  if (result.kind === 'refused')
    throw badFile(
      result.problems.map(({ field, reason }) => `${file.name}: ${field}: ${reason}`).join('\n'),
      'correct the task definition at these fields',
    )
  await printDescription(result.task, invocation)
  if (options.explain === true) {
    const rows = result.added.map(({ field, what }) => [field, what])
    io.err(formatTable({ columns: ['FIELD', 'WHAT AND WHY'], rows }, { headers: true }))
  }
  return exitCodes.ok
}

function parse({ name, text }: { readonly name: string; readonly text: string }): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badFile(`${name}: ${(error as Error).message}`, 'give JSON, as aws ecs describe-task-definition prints it')
  }
}

function needed(options: Invocation['options'], name: string, what: string): string {
  const value = options[name]
  if (typeof value !== 'string' || value === '')
    throw usageError(`--${name.replace(/[A-Z]/g, it => `-${it.toLowerCase()}`)} is missing`, `give ${what}`)
  return value
}

function amount(options: Invocation['options'], name: string): number {
  const value = Number(options[name])
  if (!Number.isInteger(value) || value < 1)
    throw usageError(`--${name} ${String(options[name])} is no amount`, `give a whole number, e.g. --${name} 256`)
  return value
}

function outbounds(said: readonly string[] = []): readonly string[] {
  const wrong = said.find(it => !/^((MeshService|MeshMultiZoneService)\/)?[a-z0-9][-.a-z0-9]*=([0-9.]+:)?[0-9]{1,5}$/.test(it))
  if (wrong !== undefined) throw usageError(`--outbound ${wrong} is not [KIND/]NAME=[ADDRESS:]PORT`, 'give e.g. --outbound payments=10001')
  return said
}
