import type { KindDefinition } from '../../model/kind.ts'
import type { ApiClient } from '../api-client.ts'
import { toApiError } from '../api-error.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { findObject, itemPath, readNoun } from '../nouns.ts'
import { formatDataplane } from '../output/dataplane-page.ts'
import { printAnswer } from '../output/format.ts'
import { formatInspection, type Inspection } from '../output/inspection-page.ts'
import type { Overview } from '../output/overview.ts'
import { formatPolicyInspection, type PolicyInspection } from '../output/policy-page.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, mesh, format, io } = invocation
  const { kind, name } = readNoun(args)
  if (kind.policy) return inspectPolicy(kind, name, invocation)
  if (kind.kind !== 'Dataplane') {
    throw usageError(
      `${kind.path} cannot be inspected`,
      `skerry get ${kind.path} NAME -o yaml shows one; skerry inspect dataplane NAME shows a proxy, skerry inspect POLICY-KIND NAME a policy`,
    )
  }
  if (name === undefined) throw usageError('which dataplane?', 'skerry get dataplanes lists them')
  const api = await invocation.api()
  const path = itemPath(kind, mesh, (await findObject(kind, name, invocation)).name)

  const shown = await ask(api, path)
  if (shown.instead) io.err(`${shown.instead}\n`)
  if (format === 'table' || format === 'wide') {
    io.out(shown.kind === 'inspection' ? formatInspection(shown.body, Date.now()) : formatDataplane(shown.body, Date.now()))
  } else await printAnswer({ body: shown.body, names: [name], table: () => ({ columns: [], rows: [] }) }, invocation)
  return exitCodes.ok
}

async function inspectPolicy(kind: KindDefinition, name: string | undefined, invocation: Invocation): Promise<number> {
  if (name === undefined) throw usageError(`which ${kind.kind}?`, `skerry get ${kind.path} lists them`)
  const api = await invocation.api()
  const path = itemPath(kind, invocation.mesh, (await findObject(kind, name, invocation)).name)
  const body = await api.get<PolicyInspection>(`${path}/_inspect`)
  const { format, io } = invocation
  if (format === 'table' || format === 'wide') io.out(formatPolicyInspection(body))
  else await printAnswer({ body, names: [name], table: () => ({ columns: [], rows: [] }) }, invocation)
  return exitCodes.ok
}

type Shown =
  | { readonly kind: 'inspection'; readonly body: Inspection; readonly instead?: undefined }
  | { readonly kind: 'overview'; readonly body: Overview; readonly instead: string }

/** A plan is known to the proxy's zone alone; elsewhere, and before there is one, what the registry knows must do. */
async function ask(api: ApiClient, path: string): Promise<Shown> {
  const response = await api.send('GET', `${path}/_inspect`)
  if (response.status === 200) return { kind: 'inspection', body: response.body as Inspection }
  const error = toApiError(response, `GET ${path}/_inspect`)
  if (!['SKERRY_INSPECT_ELSEWHERE', 'SKERRY_ZONE_NOT_CONNECTED'].includes(error.code) && response.status !== 404) throw error
  return {
    kind: 'overview',
    body: await api.get<Overview>(`${path}/_overview`),
    instead: `its plan cannot be shown: ${error.message}${error.fix ? `; ${error.fix}` : ''}`,
  }
}
