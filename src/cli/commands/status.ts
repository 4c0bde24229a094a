import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api-client.ts'
import { CliError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'
import { formatStatus, type Status } from '../output/status-page.ts'

/** On one screen; `-o wide`, and whoever reads JSON, gets everything. */
const shownRows = 20
const pollMs = 1_000

export async function run(invocation: Invocation): Promise<number> {
  const api = await invocation.api()
  if (invocation.options.watch === true) return await watch(invocation, api, new AbortController().signal)
  await print(invocation, api, await read(invocation, api))
  return exitCodes.ok
}

/** Shows it again whenever something changed, until the signal. A control plane that does not answer is asked again. */
export async function watch(invocation: Invocation, api: ApiClient, signal: AbortSignal): Promise<number> {
  const { io } = invocation
  let etag: string | undefined
  let lost = ''
  while (!signal.aborted) {
    try {
      const response = await api.send('GET', summaryPath, undefined, etag === undefined ? {} : { 'if-none-match': etag })
      // A refusal is told in the API's words.
      if (response.status !== 200 && response.status !== 304) await api.ask('GET', summaryPath)
      if (response.status !== 304) {
        const status = await read(invocation, api)
        if (io.columns !== undefined) io.out('\x1b[H\x1b[2J')
        await print(invocation, api, status)
      }
      etag = response.etag
      lost = ''
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.unreachable) throw error
      if (lost !== error.message) io.err(`${error.message}\n`)
      lost = error.message
      etag = undefined
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
  return exitCodes.ok
}

const summaryPath = '/dashboard/v1/summary'

async function read({ format, zone, givenMesh }: Invocation, api: ApiClient): Promise<Status> {
  const within = {
    ...(zone === undefined ? {} : { 'filter[zone]': zone }),
    ...(givenMesh === undefined ? {} : { 'filter[mesh]': givenMesh }),
  }
  const list = <Page>(path: string, query: Record<string, string>): Promise<Page> =>
    format === 'table'
      ? api.get<Page>(`/dashboard/v1/${path}?${new URLSearchParams({ ...query, size: String(shownRows) })}`)
      : (api.list(`/dashboard/v1/${path}`, query) as Promise<Page>)
  const [summary, zones, services, proxies] = await Promise.all([
    api.get<Status['summary']>(summaryPath),
    list<Status['zones']>('zones', { sort: 'state,name', ...(zone === undefined ? {} : { 'filter[zone]': zone }) }),
    list<Status['services']>('services', { sort: 'state,mesh,name', ...within }),
    list<Status['proxies']>('proxies', { sort: 'state,ready,mesh,name', ...within }),
  ])
  return { summary, zones, services, proxies }
}

async function print(invocation: Invocation, api: ApiClient, status: Status): Promise<void> {
  const { format, io } = invocation
  if (format === 'table' || format === 'wide') {
    io.out(formatStatus(status, api.url.origin, Date.now()))
    return
  }
  const names = status.summary.problems.map(({ subject }) => `${subject.kind}/${subject.name}`)
  await printAnswer({ body: status, names, table: () => ({ columns: [], rows: [] }) }, invocation)
}
