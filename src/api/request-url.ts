import type { FastifyRequest } from 'fastify'

/** The request's whole URL, as its sender wrote it. */
export function urlOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.headers.host ?? 'localhost'}${request.url}`
}
