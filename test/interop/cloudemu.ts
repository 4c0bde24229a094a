import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { Agent, request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { freePorts } from './free-ports.ts'

const root = resolve(import.meta.dirname, '../..')
const peers = process.env.SKERRY_PEERS ?? resolve(root, '../shared/peers')
const cache = process.env.PEERS_DIR ?? join(root, '.peers')

/** cloudemu: the APIs of three clouds, and of the Kubernetes clusters that one makes there, in one process on loopback. */
export class Cloudemu implements AsyncDisposable {
  readonly aws: string
  readonly azure: string
  readonly gcp: string
  readonly kubernetes: string
  readonly #directory: string
  readonly #process: ChildProcess
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false })

  /** A string when it cannot be had, saying why. */
  static async start(): Promise<Cloudemu | string> {
    const program = await findCloudemu()
    if (!program) return 'no cloudemu: SKERRY_PEERS names a folder with cloudemu.sh, or .peers/bin holds it'
    // Between finding free ports and listening on them, another may take one.
    for (let attempt = 0; ; attempt++) {
      const cloud = new Cloudemu(program, await mkdtemp(join(tmpdir(), 'skerry-cloudemu-')), await freePorts(4))
      try {
        await cloud.#ready()
        return cloud
      } catch (error) {
        await cloud[Symbol.asyncDispose]()
        if (attempt === 2) throw error
      }
    }
  }

  private constructor(program: string, directory: string, [aws, azure, gcp, kubernetes]: readonly number[]) {
    this.#directory = directory
    this.aws = `http://127.0.0.1:${aws}`
    this.azure = `https://127.0.0.1:${azure}`
    this.gcp = `http://127.0.0.1:${gcp}`
    this.kubernetes = `https://127.0.0.1:${kubernetes}`
    const log = openSync(join(directory, 'log'), 'w')
    const ports = ['--aws-port', `${aws}`, '--azure-port', `${azure}`, '--gcp-port', `${gcp}`, '--k8s-port', `${kubernetes}`]
    const args = ['serve', '--providers', 'aws,azure,gcp', '--host', '127.0.0.1', ...ports]
    this.#process = spawn(program, args, { cwd: directory, stdio: ['ignore', log, log] })
    closeSync(log)
  }

  /** The certificate that its Azure shows, which signs itself. PEM. */
  async azureCa(): Promise<string> {
    const { hostname, port } = new URL(this.azure)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { raw } = socket.getPeerCertificate()
    socket.destroy()
    return `-----BEGIN CERTIFICATE-----\n${raw.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  }

  /** As an administrator. Throws for an answer other than 2xx. */
  async call(method: string, url: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const isTls = url.startsWith('https:')
    const outgoing = (isTls ? requestHttps : requestHttp)(url, {
      method,
      ...(isTls ? { agent: this.#agent } : {}),
      headers: { authorization: 'Bearer test', 'content-type': 'application/json', ...headers },
    })
    outgoing.on('error', reject).on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk)).on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const status = response.statusCode ?? 0
        if (status < 200 || status > 299) reject(new Error(`${method} ${url} answered ${status}: ${text}`))
        else resolve(text === '' ? null : JSON.parse(text))
      })
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM')
      await once(this.#process, 'exit')
    }
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await Promise.all([this.call('GET', `${this.gcp}/v1/projects/p/locations/-/clusters`), this.azureCa(), this.#kubernetesListens()])
        return
      } catch (error) {
        const hasEnded = this.#process.exitCode !== null
        if (hasEnded || attempt === 200) {
          const log = await readFile(join(this.#directory, 'log'), 'utf8')
          throw new Error(`cloudemu does not answer: ${log}`, { cause: error })
        }
        await delay(100)
      }
    }
  }

  async #kubernetesListens(): Promise<void> {
    const { hostname, port } = new URL(this.kubernetes)
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    socket.destroy()
  }
}

async function findCloudemu(): Promise<string | null> {
  const known = join(cache, 'bin', 'cloudemu')
  if (existsSync(known)) return known
  const script = join(peers, 'cloudemu.sh')
  if (!existsSync(script)) return null
  try {
    await promisify(execFile)('bash', [script], { env: { ...process.env, PEERS_DIR: cache }, timeout: 120_000 })
  } catch {
    return null
  }
  return existsSync(known) ? known : null
}
