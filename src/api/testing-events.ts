import assert from 'node:assert/strict'
import { adminToken, type TestApi } from './test-support.ts'

/** One event of a stream, its data parsed. */
export interface SentEvent {
  readonly event: string
  readonly id: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of many shapes.
  readonly data: any
}

/** Opens a stream of server-sent events as the admin. */
export async function openEvents(api: TestApi, path: string, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const response = await fetch(api.url + path, { headers: { authorization: `Bearer ${adminToken}`, ...headers }, signal: stop.signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  const read = async (): Promise<string | undefined> => {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end >= 0) {
        const block = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        return block
      }
      const { value, done } = await reader.read()
      if (done) return undefined
      buffer += value
    }
  }
  return {
    async next(): Promise<SentEvent> {
      const lines = ((await read()) ?? '').split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string])
      const { event = '', id, data = 'null' } = Object.fromEntries(lines) as { event?: string; id?: string; data?: string }
      return { event, id, data: JSON.parse(data) }
    },
    ended: async () => (await read()) === undefined,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await reader.cancel().catch(() => {})
    },
  }
}
