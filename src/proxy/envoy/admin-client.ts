import { request } from 'node:http'

export interface AdminAnswer {
  readonly status: number
  readonly body: string
}

/** Asks an Envoy's administration on a unix socket. Rejects when nobody answers there, or not within `timeoutMs`.
 *  https://www.envoyproxy.io/docs/envoy/latest/operations/admin */
export function askEnvoy(socketPath: string, path: string, { method = 'GET', timeoutMs = 2000 } = {}): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method, agent: false, timeout: timeoutMs }, response => {
      const parts: Buffer[] = []
      response.on('data', part => parts.push(part))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
    })
    call.on('timeout', () => call.destroy(new Error(`Envoy does not answer ${path} within ${timeoutMs} ms`)))
    call.on('error', reject)
    call.end()
  })
}
