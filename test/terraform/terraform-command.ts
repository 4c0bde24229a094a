import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What a Terraform command came to. */
export interface Ran {
  readonly exitCode: number
  /** stdout and stderr as they came. */
  readonly output: string
}

/** The Terraform on PATH, or why there is none to test with. */
export const terraform = await findTerraform()

export const skipWithoutTerraform = terraform === undefined ? { skip: 'no terraform on PATH: install Terraform 1.11 or later' } : {}

async function findTerraform(): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(directory, 'terraform')
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}

const coloured: ReadonlySet<string> = new Set([
  'init',
  'validate',
  'plan',
  'apply',
  'destroy',
  'import',
  'refresh',
  'show',
  'output',
  'test',
])

/** A directory with a configuration, in which Terraform runs by itself: it reads nobody's settings and asks nobody for updates. */
export class Workspace {
  readonly directory: string
  /** Where its settings are. */
  readonly #home: string
  readonly #environment: Readonly<Record<string, string>>

  private constructor(directory: string, home: string, environment: Readonly<Record<string, string>>) {
    this.directory = directory
    this.#home = home
    this.#environment = environment
  }

  /** @param environment of every command, such as TF_REATTACH_PROVIDERS and SKERRY_ENDPOINT
   *  @param cliConfig text of its `.tfrc`: where providers come from */
  static async open(environment: Readonly<Record<string, string>> = {}, cliConfig = ''): Promise<Workspace> {
    const directory = await mkdtemp(join(tmpdir(), 'skerry-terraform-'))
    await mkdir(join(directory, 'home'))
    await writeFile(join(directory, 'cli.tfrc'), cliConfig)
    return new Workspace(directory, directory, environment)
  }

  /** The home directory that Terraform sees. */
  get home(): string {
    return join(this.#home, 'home')
  }

  /** The same for a folder in it, such as a module that was copied there. */
  within(folder: string, environment: Readonly<Record<string, string>> = {}): Workspace {
    return new Workspace(join(this.directory, folder), this.#home, { ...this.#environment, ...environment })
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.directory, name), text)
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.directory, name), { force: true })
  }

  /** What commands see of the world. */
  get environment(): Readonly<Record<string, string | undefined>> {
    return {
      PATH: process.env.PATH,
      HOME: this.home,
      TMPDIR: tmpdir(),
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
      TF_CLI_CONFIG_FILE: join(this.#home, 'cli.tfrc'),
      TF_DATA_DIR: join(this.directory, '.terraform'),
      ...this.#environment,
    }
  }

  /** Any exit code will do. */
  run(...args: readonly string[]): Promise<Ran> {
    const [command = '', ...rest] = args
    const noColor = coloured.has(command) ? ['-no-color'] : []
    return new Promise(resolve => {
      const options = { cwd: this.directory, env: this.environment, maxBuffer: 64 * 1024 * 1024 }
      execFile(terraform ?? 'terraform', [command, ...noColor, ...rest], options, (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: stdout + stderr })
      })
    })
  }

  /** Throws what Terraform said unless it ends with one of these codes. */
  async must(args: readonly string[], exitCodes: readonly number[] = [0]): Promise<Ran> {
    const ran = await this.run(...args)
    if (!exitCodes.includes(ran.exitCode)) throw new Error(`terraform ${args.join(' ')} ended with ${ran.exitCode}:\n${ran.output}`)
    return ran
  }

  apply(...args: readonly string[]): Promise<Ran> {
    return this.must(['apply', '-auto-approve', '-input=false', ...args])
  }

  /** Throws the plan unless it is empty. */
  async planNothing(...args: readonly string[]): Promise<void> {
    await this.must(['plan', '-detailed-exitcode', '-input=false', ...args])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}
