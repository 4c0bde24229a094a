import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { ApiError } from './problem.ts'

/** Where a Terraform's `network_mirror` points, with a slash after it. */
export const terraformMirrorPath = '/terraform/providers'

const partOfPath = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

interface MirrorParams {
  readonly host: string
  readonly namespace: string
  readonly type: string
  readonly file: string
}

/**
 * The Terraform provider for this control plane, so that nobody needs a registry for it; of `directory`, where the package was built, or
 * undefined where there is none. Open to all, since Terraform fetches providers without a token, and there is nothing secret in one.
 * https://developer.hashicorp.com/terraform/internals/provider-network-mirror-protocol
 */
export function terraformRoutes(app: FastifyInstance, directory: string | undefined): void {
  const config = { access: 'open' } as const
  app.get<{ Params: MirrorParams }>(`${terraformMirrorPath}/:host/:namespace/:type/:file`, { config }, async (request, reply) => {
    const { host, namespace, type, file } = request.params
    const parts = [host, namespace, type, file]
    if (directory === undefined || !parts.every(part => partOfPath.test(part)) || !/\.(json|zip)$/.test(file)) throw noSuchProvider(parts)
    return sendFile(reply, join(directory, ...parts)).catch(() => {
      throw noSuchProvider(parts)
    })
  })
}

async function sendFile(reply: FastifyReply, path: string): Promise<FastifyReply> {
  const { size } = await stat(path)
  reply.header('content-length', size).type(path.endsWith('.zip') ? 'application/zip' : 'application/json; charset=utf-8')
  return reply.send(createReadStream(path))
}

function noSuchProvider(parts: readonly string[]): ApiError {
  return new ApiError({
    status: 404,
    code: 'SKERRY_TERRAFORM_PROVIDER_ABSENT',
    title: 'Could not find a Terraform provider',
    detail: `this control plane has no ${parts.join('/')}`,
    fix: 'the provider is registry.terraform.io/skerry/skerry; build it with `npm run terraform:build`, and start the global control plane with --terraform-mirror DIR',
  })
}
