import type { Invocation } from './command.ts'

/** A zone that global could not ask. */
export interface Unreachable {
  readonly zone: string
  readonly error: string
}

/** A path of the API with those of these parameters that are given. */
export function discoveryPath(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined))
  return query.size === 0 ? path : `${path}?${query}`
}

/** Of a source: the mesh and the name as the command line gives them. */
export function sourcePath(
  { mesh, zone }: Invocation,
  source: string,
  call: string,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  return discoveryPath(`/discovery/sources/${encodeURIComponent(mesh)}/${encodeURIComponent(source)}/${call}`, { zone, ...parameters })
}

export function tellUnreachable(unreachable: readonly Unreachable[], { io }: Invocation): void {
  for (const { zone, error } of unreachable) io.err(`zone ${zone} could not be asked: ${error}\n`)
}
