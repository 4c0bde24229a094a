import { request } from 'node:http'
import { connect } from 'node:net'
import { probeExec } from './probe-exec.ts'
import { probeGrpc } from './probe-grpc.ts'

/** What is asked of an application to find out whether it answers. */
export type Probe =
  | { readonly kind: 'none' }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | HttpProbe
  /** @param service '' = the server as a whole */
  | { readonly kind: 'grpc'; readonly host: string; readonly port: number; readonly service: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] }

export interface HttpProbe {
  readonly kind: 'http'
  readonly host: string
  readonly port: number
  readonly path: string
  /** Absent = GET. */
  readonly method?: string | undefined
  /** First and last of each range of statuses that are good; absent = 200–399. */
  readonly codes?: readonly (readonly [number, number])[] | undefined
}

export type ProbeResult =
  | { readonly kind: 'up' }
  /** Nobody listens: one such answer is proof. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'down'; readonly reason: string }

/** Asks once. Never rejects. */
export type RunProbe = (probe: Probe, timeoutMs: number) => Promise<ProbeResult>

export const runProbe: RunProbe = (probe, timeoutMs) => {
  switch (probe.kind) {
    case 'none':
      return Promise.resolve({ kind: 'up' })
    case 'tcp':
      return probeTcp(probe, timeoutMs)
    case 'http':
      return probeHttp(probe, timeoutMs)
    case 'grpc':
      return probeGrpc(probe, timeoutMs)
    case 'exec':
      return probeExec(probe, timeoutMs)
  }
}

function probeTcp({ host, port }: Extract<Probe, { kind: 'tcp' }>, timeoutMs: number): Promise<ProbeResult> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const finish = (result: ProbeResult) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => finish({ kind: 'down', reason: `no connection to ${host}:${port} within ${timeoutMs} ms` }))
    socket.on('connect', () => finish({ kind: 'up' }))
    socket.on('error', error => finish(failed(error, host, port)))
  })
}

function probeHttp({ host, port, path, method = 'GET', codes = [[200, 399]] }: HttpProbe, timeoutMs: number): Promise<ProbeResult> {
  const what = `${method} ${path}`
  return new Promise(resolve => {
    const options = { host, port, path, method, agent: false, timeout: timeoutMs, headers: { 'user-agent': 'skerry-probe' } }
    const ask = request(options, response => {
      response.resume()
      const status = response.statusCode ?? 0
      ask.destroy()
      const isGood = codes.some(([first, last]) => status >= first && status <= last)
      resolve(isGood ? { kind: 'up' } : { kind: 'down', reason: `${what} answered ${status}` })
    })
    ask.on('timeout', () => ask.destroy(new Error(`${what} was not answered within ${timeoutMs} ms`)))
    ask.on('error', error => resolve(failed(error, host, port)))
    ask.end()
  })
}

function failed(error: NodeJS.ErrnoException, host: string, port: number): ProbeResult {
  if (error.code === 'ECONNREFUSED') return { kind: 'refused', reason: `nothing listens on ${host}:${port}` }
  return { kind: 'down', reason: error.message }
}
