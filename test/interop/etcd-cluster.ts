import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePorts } from './free-ports.ts'

const run = promisify(execFile)

interface Member {
  readonly url: string
  readonly args: readonly string[]
  readonly log: string
  process: ChildProcess
}

interface ClusterOptions {
  readonly members?: number
  /** Flush to disk as in production; off by default, because most tests do not test disks. */
  readonly isDurable?: boolean
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
}

/** A real etcd cluster on loopback, of processes that a test may kill, pause and start again. */
export class EtcdCluster {
  readonly #directory: string
  readonly #program: string
  readonly #members: Member[] = []
  readonly #tls: ClusterOptions['tls']

  /** A string when there is no etcd to be had, saying why. */
  static async start({ members = 3, isDurable = false, tls }: ClusterOptions = {}): Promise<EtcdCluster | string> {
    const program = await findEtcd()
    if (!program) return 'no etcd: SKERRY_PEERS names a folder with etcd-debian.sh, or .peers/bin holds one'
    const cluster = new EtcdCluster(program, await mkdtemp(join(tmpdir(), 'skerry-etcd-')), tls)
    const ports = await freePorts(members * 2)
    const names = Array.from({ length: members }, (_, index) => `n${index}`)
    const peers = names.map((name, index) => `${name}=http://127.0.0.1:${ports[members + index]}`).join()
    for (const [index, name] of names.entries()) {
      const url = `${tls ? 'https' : 'http'}://127.0.0.1:${ports[index]}`
      const peer = `http://127.0.0.1:${ports[members + index]}`
      const args = [
        ...['--name', name, '--data-dir', join(cluster.#directory, name), '--log-level', 'warn'],
        ...['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer],
        ...['--initial-advertise-peer-urls', peer, '--initial-cluster', peers, '--initial-cluster-state', 'new'],
        ...['--heartbeat-interval', '50', '--election-timeout', '500'],
        ...(isDurable ? [] : ['--unsafe-no-fsync']),
        ...(tls ? ['--cert-file', tls.cert, '--key-file', tls.key] : []),
      ]
      const log = join(cluster.#directory, `${name}.log`)
      cluster.#members.push({ url, args, log, process: cluster.#spawn(args, log) })
    }
    await cluster.ready()
    return cluster
  }

  private constructor(program: string, directory: string, tls: ClusterOptions['tls']) {
    this.#program = program
    this.#directory = directory
    this.#tls = tls
  }

  get endpoints(): string[] {
    return this.#members.map(member => member.url)
  }

  /** Resolves when every member that runs answers. */
  async ready(): Promise<void> {
    for (const member of this.#members) {
      if (member.process.exitCode !== null || member.process.signalCode !== null) continue
      for (let tries = 0; ; tries++) {
        if (
          await this.ctl(['endpoint', 'health'], [member.url]).then(
            () => true,
            () => false,
          )
        )
          break
        if (tries > 30) throw new Error(`${member.url} does not become healthy: see ${member.log}`)
        await delay(100)
      }
    }
  }

  async leader(): Promise<number> {
    for (let tries = 0; tries < 50; tries++) {
      for (const [index, member] of this.#members.entries()) {
        try {
          const [status] = JSON.parse(await this.ctl(['endpoint', 'status', '-w', 'json'], [member.url])) as {
            Status: { leader: number; header: { member_id: number } }
          }[]
          if (status?.Status.leader && status.Status.leader === status.Status.header.member_id) return index
        } catch {}
      }
      await delay(100)
    }
    throw new Error('no member leads')
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#members[index]!.process.kill(signal)
  }

  async kill(index: number): Promise<void> {
    const { process } = this.#members[index]!
    if (process.exitCode !== null || process.signalCode !== null) return
    process.kill('SIGKILL')
    await once(process, 'exit')
  }

  restart(index: number): void {
    const member = this.#members[index]!
    member.process = this.#spawn(member.args, member.log)
  }

  /** `etcdctl` against these endpoints. */
  async ctl(args: readonly string[], endpoints = this.endpoints): Promise<string> {
    const tls = this.#tls ? ['--cacert', this.#tls.ca] : []
    const env = { ...process.env, ETCDCTL_API: '3' }
    const all = ['--endpoints', endpoints.join(), '--command-timeout', '2s', '--dial-timeout', '1s', ...tls, ...args]
    return (await run(`${this.#program}ctl`, all, { env })).stdout
  }

  async stop(): Promise<void> {
    for (const index of this.#members.keys()) {
      this.signal(index, 'SIGCONT')
      await this.kill(index)
    }
    await rm(this.#directory, { recursive: true })
  }

  #spawn(args: readonly string[], log: string): ChildProcess {
    const output = openSync(log, 'a')
    const child = spawn(this.#program, args, { stdio: ['ignore', output, output] })
    closeSync(output)
    return child
  }
}

/** The path of an `etcd` that has its `etcdctl` beside it; fetched once by the peers' script. */
async function findEtcd(): Promise<string | undefined> {
  const root = join(import.meta.dirname, '..', '..')
  const cache = resolve(root, process.env.PEERS_DIR ?? '.peers')
  for (const place of [join(cache, 'bin', 'etcd'), join(cache, 'etcd-debian', 'usr', 'bin', 'etcd')])
    if (existsSync(place) && existsSync(`${place}ctl`)) return place
  const script = join(resolve(root, process.env.SKERRY_PEERS ?? '../shared/peers'), 'etcd-debian.sh')
  if (!existsSync(script)) return undefined
  try {
    const { stdout } = await run(script, { env: { ...process.env, PEERS_DIR: cache }, timeout: 240_000 })
    return stdout.trim().split('\n')[0]
  } catch {
    return undefined
  }
}
