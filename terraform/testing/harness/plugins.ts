import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveReattached } from '../../sdk/serve/reattach.ts'
import type { Handlers } from '../../sdk/wire/requests.ts'
import { type OnWriteOnly, stubProvider } from '../stub/stub-provider.ts'
import { readSlices } from './slices.ts'

/** Providers that are served within this process. */
export interface Plugins extends AsyncDisposable {
  /** For Terraform's commands: TF_REATTACH_PROVIDERS. */
  readonly environment: { readonly TF_REATTACH_PROVIDERS: string }
}

/** The stubs of all clouds, and `others` by their source address (`registry.terraform.io/skerry/skerry`). */
export async function servePlugins(others: Readonly<Record<string, Handlers>> = {}, onWriteOnly?: OnWriteOnly): Promise<Plugins> {
  await using opening = new AsyncDisposableStack()
  const entries: Record<string, object> = {}
  const stubs = readSlices().map(({ schema }) => [schema.source, stubProvider(schema, onWriteOnly)] as const)
  for (const [source, handlers] of [...stubs, ...Object.entries(others)])
    entries[source] = opening.use(await serveReattached(handlers)).entry
  const opened = opening.move()
  return {
    environment: { TF_REATTACH_PROVIDERS: JSON.stringify(entries) },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export interface PluginProgram {
  /** `registry.terraform.io/skerry/skerry`. */
  readonly source: string
  readonly version: string
  /** What starts it: a program and its arguments. */
  readonly command: readonly string[]
}

/**
 * A directory for `terraform init -plugin-dir`, in which Terraform finds the stubs and `others` as programs of their own, as it finds what was
 * installed. https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
 */
export async function writePluginDirectory(directory: string, others: readonly PluginProgram[] = []): Promise<void> {
  const main = join(import.meta.dirname, '../stub/main.ts')
  const stubs = readSlices().map(({ file, schema }): PluginProgram => {
    return { source: schema.source, version: schema.version, command: [process.execPath, main, file] }
  })
  for (const { source, version, command } of [...stubs, ...others]) {
    const folder = join(directory, source, version, `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`)
    const program = join(folder, `terraform-provider-${source.split('/').at(-1)}_v${version}`)
    await mkdir(folder, { recursive: true })
    await writeFile(program, `#!/bin/sh\nexec ${command.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}\n`)
    await chmod(program, 0o755)
  }
}
