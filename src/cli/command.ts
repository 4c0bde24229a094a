import type { ApiClient } from './api-client.ts'
import type { Io } from './io.ts'
import type { OutputFormat } from './output/format.ts'

/** One command of the tree, declared without importing what it does: help, completion and the reference page are made from this. */
export interface CommandDefinition {
  /** `['token', 'dataplane']` is `skerry token dataplane`. */
  readonly path: readonly string[]
  /** One line, in the imperative, without a full stop. */
  readonly summary: string
  readonly description?: string
  readonly arguments?: readonly { readonly name: `<${string}>` | `[${string}]`; readonly help: string }[]
  readonly options?: readonly CommandOption[]
  /** Whole command lines. */
  readonly examples: readonly string[]
  readonly load: () => Promise<{ run(invocation: Invocation): Promise<number> }>
}

export interface CommandOption {
  /** `-f, --filename <file>` */
  readonly flags: string
  readonly help: string
  readonly repeatable?: boolean
  readonly choices?: readonly string[]
  readonly default?: string
}

export interface Invocation {
  readonly args: readonly (string | undefined)[]
  /** By camel-cased long flag. */
  readonly options: Readonly<Record<string, unknown>>
  readonly mesh: string
  /** What `-m` said; undefined when it did not. */
  readonly givenMesh: string | undefined
  readonly zone: string | undefined
  readonly format: OutputFormat
  readonly headers: boolean
  readonly io: Io
  /** Finds the control plane at first use. */
  api(): Promise<ApiClient>
}
