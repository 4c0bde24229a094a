import type { RequestListener } from 'node:http'

/** Plain HTTP on a gRPC port: what a client needs before it trusts anybody. `clients`: whom the port is for, as in `proxies`. */
export function serveCa(caPem: string, clients: string): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method === 'GET' && path === '/ca.pem') response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(caPem)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end(`this port is for ${clients}: GET /ca.pem, or gRPC\n`)
  }
}
