import { request } from 'node:http'
import { connect } from 'node:net'

/** What is asked of an application to find out whether it answers. */
export type Probe =
  | { readonly kind: 'none' }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'http'; readonly host: string; readonly port: number; readonly path: string }

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

/** 2xx and 3xx are good. */
function probeHttp({ host, port, path }: Extract<Probe, { kind: 'http' }>, timeoutMs: number): Promise<ProbeResult> {
  return new Promise(resolve => {
    const get = request({ host, port, path, agent: false, timeout: timeoutMs, headers: { 'user-agent': 'skerry-probe' } }, response => {
      response.resume()
      const status = response.statusCode ?? 0
      get.destroy()
      resolve(status >= 200 && status < 400 ? { kind: 'up' } : { kind: 'down', reason: `GET ${path} answered ${status}` })
    })
    get.on('timeout', () => get.destroy(new Error(`GET ${path} was not answered within ${timeoutMs} ms`)))
    get.on('error', error => resolve(failed(error, host, port)))
    get.end()
  })
}

function failed(error: NodeJS.ErrnoException, host: string, port: number): ProbeResult {
  if (error.code === 'ECONNREFUSED') return { kind: 'refused', reason: `nothing listens on ${host}:${port}` }
  return { kind: 'down', reason: error.message }
}
