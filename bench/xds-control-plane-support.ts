import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchCa } from '../src/identity/first-contact.ts'
import { peekToken } from '../src/identity/token-claims.ts'

const skerry = join(import.meta.dirname, '../bin/skerry.js')

/** A control plane that is measured: of our own making, or one that runs already and speaks the same API. */
export interface ControlPlane {
  readonly pid: number
  /** `HOST:PORT` of the port for proxies. */
  readonly xds: string
  readonly rootCaPem: string
  readonly serverName: string
  /** Proxies' token. */
  readonly token: string
  readonly hasAgents: boolean
  api(path: string, init?: RequestInit): Promise<Response>
  /** Killed, and started again on what it had stored; null = it is somebody else's. */
  readonly restart: (() => Promise<void>) | null
  close(): Promise<void>
}

/** `--api http://HOST:PORT --xds HOST:PORT --token ADMIN_TOKEN --pid PID [--ca-file FILE]` */
export interface External {
  readonly api: string
  readonly xds: string
  readonly token: string
  readonly pid: number
  readonly caFile: string | undefined
}

export async function openControlPlane(external: External | null): Promise<ControlPlane> {
  return external ? openExternal(external) : startZone()
}

async function openExternal({ api, xds, token, pid, caFile }: External): Promise<ControlPlane> {
  const call = caller(api, token)
  const proxyToken = await textOf(await call('/tokens/dataplane', { method: 'POST', body: JSON.stringify({ mesh: 'default' }) }))
  const ca = peekToken(proxyToken)?.ca
  if (caFile === undefined && ca === undefined) throw new Error('its tokens do not say whom to trust: --ca-file FILE')
  return {
    pid,
    xds,
    rootCaPem: caFile === undefined ? await fetchCa(xds, ca!) : await readFile(caFile, 'utf8'),
    serverName: caFile === undefined ? 'skerry-cp' : 'localhost',
    token: proxyToken,
    hasAgents: ca !== undefined,
    api: call,
    restart: null,
    close: async () => {},
  }
}

/** A zone of its own, in a process of its own, on a store of its own. BENCH_ZONE_FLAGS are flags for its Node. */
async function startZone(): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-zone-'))
  let ports = { api: '127.0.0.1:0', xds: '127.0.0.1:0' }
  const start = () =>
    spawn(
      process.execPath,
      [
        ...(process.env.BENCH_ZONE_FLAGS?.split(' ') ?? []),
        skerry,
        ...['zone', 'run', '--zone', 'bench', '--data', directory, '--api', ports.api, '--xds', ports.xds, '--log-level', 'error'],
      ],
      { stdio: 'ignore' },
    )
  let child = start()
  const close = async () => {
    await stop(child, 'SIGTERM')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    ports = JSON.parse(await whenThere(join(directory, 'ports.json')))
    const call = caller(`http://${ports.api}`, (await whenThere(join(directory, 'admin.token'))).trim())
    const token = await textOf(await call('/tokens/dataplane', { method: 'POST', body: JSON.stringify({ mesh: 'default' }) }))
    return {
      get pid() {
        return child.pid!
      },
      xds: ports.xds,
      rootCaPem: await fetchCa(ports.xds, peekToken(token)!.ca),
      serverName: 'skerry-cp',
      token,
      hasAgents: true,
      api: call,
      restart: async () => {
        await stop(child, 'SIGKILL')
        child = start()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function caller(base: string, token: string): ControlPlane['api'] {
  return async (path, init = {}) => {
    const response = await fetch(base + path, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
    })
    if (!response.ok) throw new Error(`${init.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
}

/** Processor time of all its threads since it started. ms */
export async function cpuMs(pid: number): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(
    tasks.map(async task => Number((await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0')).split(' ')[0]) / 1e6),
  )
  return times.reduce((sum, time) => sum + time, 0)
}

/** Resident. MB */
export async function memoryMb(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

async function textOf(response: Response): Promise<string> {
  return (await response.text()).trim()
}

async function whenThere(file: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text) return text
    if (tries > 600) throw new Error(`${file} did not appear`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise(resolve => child.once('exit', resolve))
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(timer)
}
