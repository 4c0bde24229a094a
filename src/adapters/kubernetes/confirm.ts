import type { Gone } from '../adapter.ts'
import { type ApiClient, ApiError } from './api-client.ts'
import { sliceFacts } from './cluster-objects.ts'
import { isImportId } from './cluster-state.ts'

/** A slice has at most 1,000 endpoints, by default 100. */
const mostSlices = 500

/**
 * Looks once more, at the slices of each service alone, whether instances that a list lacks are still its endpoints. What is of no service, or
 * of one whose slices do not fit into one answer, is not answered; nor are ServiceImports.
 */
export async function confirmInstances(
  client: ApiClient,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, 'there' | Gone>> {
  const answers = new Map<string, 'there' | Gone>()
  const ofServices = ids.filter(id => !isImportId(id))
  const byService = Map.groupBy(ofServices, id => id.slice(id.indexOf('@') + 1))
  for (const [service, members] of byService) {
    const [namespace = '', name = ''] = service.split('/')
    if (name === '') continue
    const there = await endpointsOf(client, namespace, name, signal)
    if (!there) continue
    for (const id of members) {
      const subject = id.slice(0, id.indexOf('@'))
      if (subject === '') continue
      answers.set(id, there.has(subject) ? 'there' : { id, reason: `it is no endpoint of ${service} any more` })
    }
  }
  return answers
}

/** Uids of pods, and addresses of what is no pod. */
async function endpointsOf(client: ApiClient, namespace: string, service: string, signal: AbortSignal): Promise<Set<string> | undefined> {
  const query = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${service}`, limit: String(mostSlices) })
  const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices?${query}`
  try {
    const { metadata, items } = await client.json<{ metadata?: { continue?: string }; items?: object[] }>({ path, signal })
    if (!Array.isArray(items) || metadata?.continue) return undefined
    return new Set(items.flatMap(slice => sliceFacts(slice).endpoints).map(it => it.podUid || (it.addresses[0] ?? '')))
  } catch (error) {
    // One service that cannot be read must not keep the others from being answered.
    if (error instanceof ApiError && error.what === 'denied') return undefined
    throw error
  }
}
