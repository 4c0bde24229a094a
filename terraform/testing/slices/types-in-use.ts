import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TypesInUse {
  /** `aws_ecs_service`. */
  readonly resources: ReadonlySet<string>
  readonly dataSources: ReadonlySet<string>
}

/** Every type that a configuration under these folders names. */
export function typesInUse(folders: readonly string[]): TypesInUse {
  const resources = new Set<string>()
  const dataSources = new Set<string>()
  for (const text of folders.flatMap(readConfigurations)) {
    for (const [, type] of text.matchAll(/^resource "(\w+)"/gm)) resources.add(type!)
    for (const [, type] of text.matchAll(/^data "(\w+)"/gm)) dataSources.add(type!)
  }
  return { resources, dataSources }
}

function readConfigurations(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.tf'))
    .map(file => readFileSync(join(folder, file), 'utf8'))
}
