import assert from 'node:assert/strict'
import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { anApi } from '../test-support.ts'
import { namedSchemas } from './schema/item.ts'
import { aBoard, aMesh, anInsight, aProxy, aService, aUnion, aZone } from './testing.ts'

export const root = '/dashboard/v1'

/** The API over a board: at global, or in the zone that is named. */
export async function anApiOver(options: Parameters<typeof aBoard>[0] = {}) {
  const board = await aBoard(options)
  const { zone = '' } = options
  const role = zone === '' ? ({ kind: 'global' } as const) : ({ kind: 'zone', zone, federated: true } as const)
  const api = await anApi({ registry: board.registry, role, dashboard: board.model })
  const get = async (path: string, schema: string) => {
    const { status, body } = await api.get(root + path)
    assert.equal(status, 200, JSON.stringify(body))
    conforms(body, namedSchemas[schema]!)
    return body
  }
  return {
    ...board,
    api,
    get,
    /** Of all problems, each of which must lead somewhere. */
    async codes(): Promise<string[]> {
      const { items } = await get('/problems', 'ProblemPage')
      for (const { link, code } of items) assert.equal((await api.get(link)).status, 200, `${code} leads to ${link}`)
      return items.map(({ code }: { code: string }) => code)
    },
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]()
      await board[Symbol.asyncDispose]()
    },
  }
}

function conforms(body: unknown, schema: TSchema): void {
  const [first] = Check(schema, body) ? [] : [...Errors(schema, body)]
  assert.equal(first, undefined, JSON.stringify(first))
}

/** Two zones with a gateway each and a service in both. */
export async function aTwoZoneMesh() {
  const mesh = await anApiOver()
  const { clock, put } = mesh
  await put(aMesh(), aZone('aws-1'), aZone('azure-1'))
  for (const zone of ['aws-1', 'azure-1']) {
    mesh.link(zone)
    await put(
      aProxy('pay-1', { zone, workload: 'payments' }),
      anInsight('pay-1', clock.now(), { zone }),
      aService('payments', 1, 1, { zone }),
    )
  }
  await put(aUnion('payments'))
  return mesh
}
