import { dialect, jsonSchemaOf } from '../../model/json-schema.ts'
import { findKind, kinds } from '../../model/kinds/index.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { unknownKind } from '../nouns.ts'
import { printDescription } from '../output/description.ts'

/** A kind's JSON Schema, or one that takes a resource of any kind: for editors and checks before a control plane is asked. */
export async function run(invocation: Invocation): Promise<number> {
  const [word] = invocation.args
  await printDescription(word === undefined ? anyKind() : ofKind(word), invocation)
  return exitCodes.ok
}

function ofKind(word: string) {
  const kind = findKind(word)
  if (kind === undefined) throw unknownKind(word)
  return { $schema: dialect, $id: `/schemas/${kind.kind}.json`, ...jsonSchemaOf(kind) }
}

function anyKind() {
  return {
    $schema: dialect,
    title: 'A Skerry resource',
    oneOf: kinds.map(kind => ({ $ref: `#/$defs/${kind.kind}` })),
    $defs: Object.fromEntries(kinds.map(kind => [kind.kind, jsonSchemaOf(kind)])),
  }
}
