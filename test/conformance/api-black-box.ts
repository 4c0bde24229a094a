import { join } from 'node:path'
import { roleOf } from './api.ts'
import { answerDifference } from './api-answer.ts'
import { type ApiCase, type ApiRequest, readApiCases } from './api-case.ts'
import { withoutRemovedFields } from './api-lenient.ts'
import { ControlPlaneProcess } from './program.ts'
import type { ConformanceSuite } from './suite.ts'

/**
 * The API's cases over HTTP alone. What a case's store holds is put through the API, so what only control planes write (a status, an insight)
 * cannot be there, and what the server computes is on everything: computed labels, the zone in KRIs, and the names and addresses that a zone gives
 * to services are left out on both sides.
 * Without a URL a zone and a global control plane are started; with one, everything in that one is deleted before each case.
 */
export function blackBoxSuite(url?: string): ConformanceSuite {
  return {
    name: 'api-black-box',
    async open(dataFolder) {
      const cases = readApiCases(join(dataFolder, 'pkg/api-server/testdata'))
      if (url !== undefined) {
        const client = new Client(url, process.env.SKERRY_TOKEN ?? '')
        return { cases: cases.map(one => ({ name: one.name, run: () => runCase(one, client) })) }
      }
      const servers = new Servers()
      return {
        cases: cases.map(one => ({ name: one.name, run: async () => runCase(one, await servers.clientFor(one)) })),
        close: () => servers.stop(),
      }
    },
  }
}

/** A global control plane, and a zone for every name that a case's resources say they are of; each started when it is first needed. */
class Servers {
  readonly #started = new Map<string, Promise<ControlPlaneProcess>>()

  async clientFor(one: ApiCase): Promise<Client> {
    const place = roleOf(one).kind === 'global' ? 'global' : zoneOf(one)
    let starting = this.#started.get(place)
    if (!starting) {
      starting =
        place === 'global'
          ? ControlPlaneProcess.start('global', ['--no-defaults'])
          : ControlPlaneProcess.start('zone', ['--zone', place, '--no-defaults'])
      this.#started.set(place, starting)
    }
    const { url, token } = await starting
    return new Client(url, token)
  }

  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#started.values())
    await Promise.all(started.map(it => (it.status === 'fulfilled' ? it.value[Symbol.asyncDispose]() : undefined)))
  }
}

function zoneOf({ seed }: ApiCase): string {
  const zones = new Set(seed.flatMap(document => (document.labels as Record<string, string> | undefined)?.['kuma.io/zone'] ?? []))
  const [zone = 'default'] = zones
  return zone
}

async function runCase(one: ApiCase, client: Client): Promise<string> {
  await client.deleteEverything()
  for (const document of one.seed) {
    const { type, mesh, name } = document as { type: string; mesh?: string; name: string }
    const path = await client.pathOf(type, mesh, name)
    const answer = await client.send({ method: 'PUT', path, body: withoutRemovedFields(JSON.stringify(document)) })
    if (answer.status >= 300) return `cannot put ${type} ${name}: ${answer.status} ${answer.text.slice(0, 300)}`
  }
  for (const request of one.requests) {
    const body = request.body === undefined ? undefined : withoutRemovedFields(request.body)
    const answer = await client.send({ ...request, body })
    const difference = answerDifference(
      { ...request, golden: withoutComputed(request.golden) },
      { status: answer.status, text: answer.text === '' ? '' : JSON.stringify(withoutComputed(JSON.parse(answer.text))) },
      client.address,
    )
    if (difference !== '') return difference
  }
  return ''
}

const computed = /^kuma\.io\/(mesh|display-name|origin|zone|env|policy-role)$/

/** Without what a server computes of every resource that is written through it. */
function withoutComputed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutComputed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
      if (key === 'status' && typeof member === 'object' && member !== null) return [[key, withoutNames(member)]]
      if (key === 'kri' && typeof member === 'string') return [[key, member.replace(/^(kri_[a-z]+_[^_]*)_[^_]*_/, '$1__')]]
      if (key !== 'labels' || typeof member !== 'object' || member === null) return [[key, withoutComputed(member)]]
      const labels = Object.entries(member).filter(([label]) => !computed.test(label))
      return labels.length === 0 ? [] : [[key, Object.fromEntries(labels)]]
    }),
  )
}

const given = new Set(['vip', 'vips', 'addresses', 'hostnameGenerators', 'conditions'])

/** A zone gives them within moments of the write. */
function withoutNames(status: object): unknown {
  return Object.fromEntries(Object.entries(status).flatMap(([key, member]) => (given.has(key) ? [] : [[key, withoutComputed(member)]])))
}

interface KindRow {
  readonly name: string
  readonly path: string
  readonly scope: 'Mesh' | 'Global'
  readonly readOnly: boolean
}

/** An admin of the control plane under test. */
class Client {
  readonly address: string
  readonly #url: string
  readonly #token: string
  #kinds: readonly KindRow[] | undefined

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
    this.address = new URL(url).host
  }

  async send({ method, path, body }: Pick<ApiRequest, 'method' | 'path' | 'body'>): Promise<{ status: number; text: string }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body,
    })
    return { status: response.status, text: await response.text() }
  }

  async pathOf(type: string, mesh: string | undefined, name: string): Promise<string> {
    const kind = (await this.#allKinds()).find(kind => kind.name === type)
    if (!kind) throw new Error(`the server has no ${type}`)
    return kind.scope === 'Mesh' ? `/meshes/${mesh}/${kind.path}/${name}` : `/${kind.path}/${name}`
  }

  /** What refuses to go (the server's own keys) stays. A mesh goes last, because it takes with it what it holds. */
  async deleteEverything(): Promise<void> {
    const kinds = (await this.#allKinds()).filter(kind => !kind.readOnly)
    for (const kind of [...kinds.filter(({ name }) => name !== 'Mesh'), ...kinds.filter(({ name }) => name === 'Mesh')]) {
      const list = await this.send({ method: 'GET', path: `/${kind.path}?size=1000`, body: undefined })
      if (list.status !== 200) continue
      for (const { mesh, name } of (JSON.parse(list.text) as { items: { mesh?: string; name: string }[] }).items) {
        await this.send({ method: 'DELETE', path: await this.pathOf(kind.name, mesh, name), body: undefined })
      }
    }
  }

  async #allKinds(): Promise<readonly KindRow[]> {
    this.#kinds ??= (
      JSON.parse((await this.send({ method: 'GET', path: '/_resources', body: undefined })).text) as { resources: KindRow[] }
    ).resources
    return this.#kinds
  }
}
