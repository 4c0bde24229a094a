import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePorts } from './free-ports.ts'

const root = resolve(import.meta.dirname, '../..')
const getMs = 300_000
/** Python on a busy machine takes its time. */
const readyMs = 90_000

export const awsRegion = 'eu-west-1'
/** The account that both emulators give to keys that they do not know. */
export const ownAccount = '123456789012'

/** What every client of the SDK takes to talk to an emulator. */
export interface EmulatorClientOptions {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  readonly disableHostPrefix: true
}

/**
 * An emulator of AWS that nobody here wrote: moto says where a task is reached, ministack runs services, pages and functions. Neither throttles,
 * and neither sends the events of ECS.
 */
export class AwsEmulator implements AsyncDisposable {
  readonly endpoint: string
  readonly #process: ChildProcess
  readonly #directory: string

  private constructor(endpoint: string, process: ChildProcess, directory: string) {
    this.endpoint = endpoint
    this.#process = process
    this.#directory = directory
  }

  /** With tasks that stay as they are, and functions without Docker. A text says why it cannot be had. */
  static async moto(): Promise<AwsEmulator | string> {
    const program = await findProgram('moto', 'moto_server')
    if (program === null) return unavailable('moto')
    const emulator = await AwsEmulator.#start(
      'moto',
      port => ({ command: program, args: ['-H', '127.0.0.1', '-p', String(port)], env: {} }),
      '/moto-api/',
    )
    // By itself a task goes on to its next state whenever it is looked at.
    await emulator.#post('/moto-api/state-manager/set-transition', {
      model_name: 'ecs::task',
      transition: { progression: 'manual', times: 1_000_000_000 },
    })
    await emulator.#post('/moto-api/config', { lambda: { use_docker: false } })
    return emulator
  }

  static async ministack(): Promise<AwsEmulator | string> {
    const program = await findProgram('ministack', 'ministack')
    if (program === null) return unavailable('ministack')
    const settings = (port: number, directory: string) => ({
      command: program,
      args: [],
      env: {
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        EDGE_PORT: String(port),
        IOT_MTLS_ENABLED: '0',
        SFTP_ENABLED: '0',
        STATE_DIR: join(directory, 'state'),
        MINISTACK_REGION: awsRegion,
        MINISTACK_ACCOUNT_ID: ownAccount,
      },
    })
    return AwsEmulator.#start('ministack', settings, '/_ministack/health')
  }

  /** @param keys of an assumed role; absent = those of the emulator's own account */
  options(keys: EmulatorClientOptions['credentials'] = { accessKeyId: 'test', secretAccessKey: 'test' }): EmulatorClientOptions {
    return { endpoint: this.endpoint, region: awsRegion, credentials: keys, disableHostPrefix: true }
  }

  /** A call of a service with no client of the SDK here. @param target as `AWSEvents.PutEvents` */
  async call(service: string, target: string, input: object): Promise<unknown> {
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        // Whose call it is and for which service; nobody here looks at the signature.
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${awsRegion}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${target}: ${response.status} ${text.slice(0, 500)}`)
    return text === '' ? {} : JSON.parse(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      const killer = setTimeout(() => this.#process.kill('SIGKILL'), 5000)
      await exited
      clearTimeout(killer)
    }
    await rm(this.#directory, { recursive: true, force: true })
  }

  static async #start(
    name: string,
    settings: (port: number, directory: string) => { command: string; args: readonly string[]; env: Record<string, string> },
    health: string,
  ): Promise<AwsEmulator> {
    const directory = await mkdtemp(join(tmpdir(), `skerry-${name}-`))
    const [port] = await freePorts(1)
    const { command, args, env } = settings(port!, directory)
    const log = join(directory, 'log')
    const output = openSync(log, 'a')
    const child = spawn(command, args, { cwd: directory, env: { ...process.env, ...env }, stdio: ['ignore', output, output] })
    closeSync(output)
    const emulator = new AwsEmulator(`http://127.0.0.1:${port}`, child, directory)
    const deadline = Date.now() + readyMs
    while (!(await answers(emulator.endpoint + health))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        const said = (await readFile(log, 'utf8')).slice(-2000)
        await emulator[Symbol.asyncDispose]()
        throw new Error(`${name} does not get ready: ${said}`)
      }
      await delay(100)
    }
    return emulator
  }

  async #post(path: string, body: object): Promise<void> {
    const response = await fetch(this.endpoint + path, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }
}

/** Fetched by the peers' script where it is not there yet; null: it cannot be had. */
export async function fetchMinistack(): Promise<readonly [string] | null> {
  const program = await findProgram('ministack', 'ministack')
  return program === null ? null : [program]
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok
  } catch {
    return false
  }
}

function cache(): string {
  return resolve(root, process.env.PEERS_DIR ?? '.peers')
}

/** Fetched by the peers' script where it is not there yet. */
async function findProgram(folder: string, program: string): Promise<string | null> {
  const known = join(cache(), folder, 'bin', program)
  if (existsSync(known)) return known
  const script = join(resolve(root, process.env.SKERRY_PEERS ?? '../shared/peers'), 'aws-emulators.sh')
  if (!existsSync(script)) return null
  try {
    await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache() }, timeout: getMs })
  } catch {
    return null
  }
  return existsSync(known) ? known : null
}

function unavailable(name: string): string {
  return `${name} cannot be had: SKERRY_PEERS names no folder with aws-emulators.sh, or the script failed`
}
