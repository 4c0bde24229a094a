import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FakeKubelet } from './fake-kubelet.ts'
import { freePorts } from './free-ports.ts'

const run = promisify(execFile)

export interface KubeOptions {
  /** Which etcd is under it: the one of the peers' script, or Debian's 3.4, which has no progress requests and so no streamed lists. */
  readonly etcd?: 'current' | '3.4'
  /** false: what etcd has compacted is gone at once, and not served from memory. */
  readonly watchCache?: boolean
  /** Deployments make pods, and Services make EndpointSlices. */
  readonly controllers?: boolean
}

export interface KubeAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API server says
  readonly body: any
}

interface Program {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  process: ChildProcess
}

/** A real kube-apiserver on its etcd, with the controller manager and a kubelet that only says that pods run. */
export class Kube {
  readonly directory: string
  readonly #port: number
  readonly #programs: Program[] = []
  readonly #agent: Agent
  #etcdctl = ''
  #etcdUrl = ''
  #kubelet: FakeKubelet | null = null

  /** A string when it cannot be had, saying why. */
  static async start(options: KubeOptions = {}): Promise<Kube | string> {
    const peers = await findPeers(options.etcd ?? 'current')
    if (typeof peers === 'string') return peers
    // Between finding a free port and listening on it, another may take it.
    for (let attempt = 0; ; attempt++) {
      const kube = new Kube(await mkdtemp(join(tmpdir(), 'skerry-kube-')), ...((await freePorts(1)) as [number]))
      try {
        await kube.#start(peers, options)
        return kube
      } catch (error) {
        await kube.stop()
        if (attempt === 2) throw error
      }
    }
  }

  private constructor(directory: string, port: number) {
    this.directory = directory
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, rejectUnauthorized: false })
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`
  }

  get kubeconfig(): string {
    return join(this.directory, 'kubeconfig')
  }

  /** PEM. */
  get caFile(): string {
    return join(this.directory, 'certs', 'apiserver.crt')
  }

  /** Of a user without any rights but those that a test gives it. */
  readonly readerToken = 'reader-token'

  /** `kubectl`, as an administrator. @returns what it printed */
  async ctl(args: readonly string[], input?: string): Promise<string> {
    const running = run('kubectl', ['--kubeconfig', this.kubeconfig, ...args], { maxBuffer: 64 << 20 })
    running.child.stdin?.end(input ?? '')
    return (await running).stdout
  }

  apply(...objects: object[]): Promise<string> {
    return this.ctl(
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    )
  }

  async call(method: string, path: string, body?: unknown, contentType = 'application/json', token = 'admin-token'): Promise<KubeAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<KubeAnswer>()
    const outgoing = request(new URL(path, this.url), {
      method,
      agent: this.#agent,
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
    })
    outgoing.on('error', reject).on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk)).on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        try {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) })
        } catch {
          resolve({ status: response.statusCode ?? 0, body: text })
        }
      })
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  /** A short-lived token of a service account, as a kubelet puts it into a pod. */
  async serviceAccountToken(namespace: string, name: string, audience: string, pod?: { name: string; uid: string }): Promise<string> {
    const boundObjectRef = pod && { kind: 'Pod', apiVersion: 'v1', ...pod }
    const { status, body } = await this.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds: 600, boundObjectRef },
    })
    if (status !== 201) throw new Error(`no token: ${JSON.stringify(body)}`)
    return body.status.token
  }

  /** What happened before now is gone from etcd. */
  async compact(): Promise<void> {
    const { stdout } = await this.#etcd(['endpoint', 'status', '-w', 'json'])
    const [{ Status }] = JSON.parse(stdout) as [{ Status: { header: { revision: number } } }]
    await this.#etcd(['compact', String(Status.header.revision), '--physical'])
  }

  /** The API server alone goes away, and comes back when it is restarted. */
  async killApiServer(): Promise<void> {
    await this.#end(this.#programs.find(it => it.name === 'kube-apiserver')!, 'SIGKILL')
  }

  async restartApiServer(): Promise<void> {
    const program = this.#programs.find(it => it.name === 'kube-apiserver')!
    program.process = this.#spawn(program.name, program.file, program.args)
    await this.#ready(program)
  }

  async stop(): Promise<void> {
    await this.#kubelet?.stop()
    this.#agent.destroy()
    for (const program of this.#programs.toReversed()) await this.#end(program, 'SIGTERM')
    await rm(this.directory, { recursive: true, force: true })
  }

  async #start(peers: Peers, { watchCache = true, controllers = true }: KubeOptions): Promise<void> {
    const { directory } = this
    const [etcd = 0, etcdPeer = 0, managerPort = 0] = await freePorts(3)
    this.#etcdUrl = `http://127.0.0.1:${etcd}`
    this.#etcdctl = peers.etcdctl
    const peerUrl = `http://127.0.0.1:${etcdPeer}`
    this.#add('etcd', peers.etcd, [
      ...['--name', 'k', '--data-dir', join(directory, 'etcd'), '--log-level', 'warn', '--unsafe-no-fsync'],
      ...['--listen-client-urls', this.#etcdUrl, '--advertise-client-urls', this.#etcdUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `k=${peerUrl}`],
    ])
    const key = join(directory, 'sa.key')
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    await writeFile(key, privateKey, { mode: 0o600 })
    await writeFile(join(directory, 'tokens.csv'), `admin-token,admin,1,"system:masters"\n${this.readerToken},reader,2\n`)
    const apiServer = this.#add('kube-apiserver', peers.apiServer, [
      ...[`--etcd-servers=${this.#etcdUrl}`, '--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${this.#port}`],
      ...[`--cert-dir=${join(directory, 'certs')}`, '--service-account-issuer=https://kubernetes.default.svc'],
      ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`, '--service-cluster-ip-range=10.96.0.0/16'],
      ...[`--token-auth-file=${join(directory, 'tokens.csv')}`, '--authorization-mode=RBAC', '--endpoint-reconciler-type=none'],
      ...['--disable-admission-plugins=ServiceAccount', `--watch-cache=${watchCache}`],
    ])
    await this.#ready(apiServer)
    await writeFile(this.kubeconfig, kubeconfigOf(this.url, (await readFile(this.caFile)).toString('base64'), 'admin-token'), {
      mode: 0o600,
    })
    if (!controllers) return
    this.#add('kube-controller-manager', peers.controllerManager, [
      ...[`--kubeconfig=${this.kubeconfig}`, '--leader-elect=false', '--bind-address=127.0.0.1', `--secure-port=${managerPort}`],
      ...[`--cert-dir=${join(directory, 'kcm-certs')}`, `--service-account-private-key-file=${key}`, `--root-ca-file=${this.caFile}`],
      '--controllers=*,-node-lifecycle-controller',
    ])
    this.#kubelet = await FakeKubelet.start(this)
  }

  #add(name: string, file: string, args: readonly string[]): Program {
    const program = { name, file, args, process: this.#spawn(name, file, args) }
    this.#programs.push(program)
    return program
  }

  #spawn(name: string, file: string, args: readonly string[]): ChildProcess {
    const output = openSync(join(this.directory, `${name}.log`), 'a')
    const child = spawn(file, args, { stdio: ['ignore', output, output], cwd: this.directory })
    closeSync(output)
    return child
  }

  async #ready(program: Program): Promise<void> {
    for (let tries = 0; tries < 1200; tries++) {
      const { exitCode, signalCode } = program.process
      if (exitCode !== null || signalCode !== null)
        throw new Error(`${program.name} ended with ${exitCode ?? signalCode}: ${await this.#tail(program.name)}`)
      const answer = await this.call('GET', '/readyz').catch(() => null)
      if (answer?.status === 200) return
      await delay(100)
    }
    throw new Error(`${program.name} does not become ready: ${await this.#tail(program.name)}`)
  }

  async #tail(name: string): Promise<string> {
    return (await readFile(join(this.directory, `${name}.log`), 'utf8').catch(() => '')).slice(-2000)
  }

  async #end({ process }: Program, signal: NodeJS.Signals): Promise<void> {
    if (process.exitCode !== null || process.signalCode !== null) return
    const exited = once(process, 'exit')
    process.kill(signal)
    const patience = setTimeout(() => process.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(patience)
  }

  #etcd(args: readonly string[]) {
    return run(this.#etcdctl, ['--endpoints', this.#etcdUrl, ...args], { env: { ...process.env, ETCDCTL_API: '3' } })
  }
}

/** With a token, as `kubectl` and every client library read it. */
export function kubeconfigOf(server: string, caData: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': caData } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  })
}

interface Peers {
  readonly apiServer: string
  readonly controllerManager: string
  readonly etcd: string
  readonly etcdctl: string
}

async function findPeers(etcd: 'current' | '3.4'): Promise<Peers | string> {
  const root = join(import.meta.dirname, '..', '..')
  const cache = resolve(root, process.env.PEERS_DIR ?? '.peers')
  const debian = join(cache, 'etcd-debian', 'usr', 'bin')
  const etcdPath = etcd === 'current' ? join(cache, 'bin', 'etcd') : join(debian, 'etcd')
  const peers: Peers = {
    apiServer: join(cache, 'bin', 'kube-apiserver'),
    controllerManager: join(cache, 'bin', 'kube-controller-manager'),
    etcd: etcdPath,
    etcdctl: `${etcdPath}ctl`,
  }
  const lacks = () => Object.values(peers).filter(file => !existsSync(file))
  for (const script of ['kube.sh', etcd === 'current' ? 'etcd.sh' : 'etcd-debian.sh']) {
    const file = join(resolve(root, process.env.SKERRY_PEERS ?? '../shared/peers'), script)
    if (lacks().length > 0 && existsSync(file))
      await run(file, { env: { ...process.env, PEERS_DIR: cache }, timeout: 280_000 }).catch(() => {})
  }
  if (lacks().length > 0) return `no ${lacks().join(', ')}: SKERRY_PEERS names a folder with kube.sh and etcd.sh, or .peers/bin holds them`
  const kubectl = await run('kubectl', ['version', '--client']).catch(() => null)
  return kubectl === null ? 'no kubectl' : peers
}
