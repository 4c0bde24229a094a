import type { KindDefinition } from '../model/kind.ts'
import { findKind, suggestKinds } from '../model/kinds/index.ts'
import { nearest } from '../std/did-you-mean.ts'
import { toApiError } from './api-error.ts'
import { CliError, usageError } from './cli-error.ts'
import type { Invocation } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { displayNameOf, type WireObject, zoneOf } from './output/wire-object.ts'

/** Which object, or which kind of them, a command is about. */
export interface Noun {
  readonly kind: KindDefinition
  readonly name: string | undefined
}

/** Reads `KIND`, `KIND NAME` and `KIND/NAME`. */
export function readNoun([first, second]: readonly (string | undefined)[]): Noun {
  const [word = '', slashName] = (first ?? '').split('/', 2)
  if (slashName !== undefined && second !== undefined)
    throw usageError(`two names: ${slashName} and ${second}`, `write ${word} ${slashName}, or ${word}/${slashName}`)
  const kind = findKind(word)
  if (kind === undefined) throw unknownKind(word)
  return { kind, name: slashName ?? second }
}

export function unknownKind(word: string): CliError {
  const [guess] = suggestKinds(word)
  return new CliError(`there is no kind ${JSON.stringify(word)}`, {
    code: 'SKERRY_UNKNOWN_KIND',
    exitCode: exitCodes.usage,
    fix: guess ? `did you mean ${guess}?` : 'kinds are named as in YAML, e.g. meshservices, dataplanes, zones, meshtrafficpermissions',
  })
}

/** REST path of a kind's collection; `allMeshes` asks for every mesh at once. */
export function collectionPath(kind: KindDefinition, mesh: string, allMeshes = false): string {
  return kind.scope === 'global' || allMeshes ? `/${kind.path}` : `/meshes/${encodeURIComponent(mesh)}/${kind.path}`
}

export function itemPath(kind: KindDefinition, mesh: string, name: string): string {
  return `${collectionPath(kind, mesh)}/${encodeURIComponent(name)}`
}

export function formatNoun(kind: KindDefinition, mesh: string, name: string): string {
  return kind.scope === 'global' ? `${kind.kind} ${name}` : `${kind.kind} ${mesh}/${name}`
}

/**
 * The object that a person means: stored under that name or, when it came from another control plane and is stored under a longer
 * one, shown under it. `-z` tells apart those of several zones.
 */
export async function findObject(kind: KindDefinition, name: string, invocation: Invocation): Promise<WireObject> {
  const api = await invocation.api()
  const path = itemPath(kind, invocation.mesh, name)
  const response = await api.send('GET', path)
  if (response.status === 200) return response.body as WireObject
  if (response.status !== 404) throw toApiError(response, `GET ${path}`)
  const all = (await api.list<WireObject>(collectionPath(kind, invocation.mesh))).items
  const shown = all.filter(item => displayNameOf(item) === name && (invocation.zone === undefined || zoneOf(item) === invocation.zone))
  if (shown.length === 1) return shown[0]!
  throw shown.length > 1 ? ambiguous(kind, name, shown) : notFound(kind, name, all, invocation)
}

function ambiguous(kind: KindDefinition, name: string, found: readonly WireObject[]): CliError {
  const zones = found.map(zoneOf).filter(zone => zone !== '')
  return usageError(`there are ${found.length} ${kind.path} called ${name}: in ${zones.join(', ')}`, `say which: -z ${zones[0] ?? 'ZONE'}`)
}

function notFound(kind: KindDefinition, name: string, there: readonly WireObject[], { mesh, givenMesh }: Invocation): CliError {
  const [guess] = nearest(name, there.map(displayNameOf))
  return new CliError(`${formatNoun(kind, mesh, name)} does not exist`, {
    code: 'SKERRY_NOT_FOUND',
    exitCode: exitCodes.notFound,
    fix: guess
      ? `did you mean ${guess}?`
      : `skerry get ${kind.path}${kind.scope === 'mesh' && givenMesh ? ` -m ${givenMesh}` : ''} lists what there is`,
  })
}
