import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Chunks } from './chunks.ts'

/** Follows `bytes` in segments of these sizes; answers with what travels on and where the message ends. */
function follow(bytes: Buffer, sizes: readonly number[]) {
  const chunks = new Chunks()
  const kept: Buffer[] = []
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const to = Math.min(bytes.length, at + (sizes[i % sizes.length] ?? bytes.length))
    const end = chunks.follow(bytes, at, to)
    if (chunks.bad) return { kind: 'bad' } as const
    let from = at
    for (let cut = 0; cut < chunks.cuts.length; cut += 2) {
      kept.push(bytes.subarray(from, chunks.cuts[cut]))
      from = chunks.cuts[cut + 1]!
    }
    kept.push(bytes.subarray(from, end < 0 ? to : end))
    if (end >= 0) return { kind: 'end', end, kept: Buffer.concat(kept).toString('latin1') } as const
    at = to
  }
  return { kind: 'open' } as const
}

const aBody = fc.array(
  fc.record({ data: fc.string({ minLength: 1, maxLength: 40 }), extension: fc.constantFrom('', ';a', ';a="b;c"', ' ;x=1'.trim()) }),
  { maxLength: 5 },
)

test('a chunked body ends at the same place however it is cut, without its extensions and trailers', () => {
  fc.assert(
    fc.property(
      aBody,
      fc.array(fc.constantFrom('X-A: b\r\n', 'Long-Trailer-Name: with a value\r\n'), { maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (parts, trailers, sizes) => {
        const size = (data: string) => Buffer.byteLength(data).toString(16)
        const full = `${parts.map(({ data, extension }) => `${size(data)}${extension}\r\n${data}\r\n`).join('')}0\r\n${trailers.join('')}\r\n`
        const plain = `${parts.map(({ data }) => `${size(data)}\r\n${data}\r\n`).join('')}0\r\n\r\n`
        const result = follow(Buffer.from(`${full}GET /next`), sizes)
        assert.deepEqual(result, { kind: 'end', end: Buffer.byteLength(full), kept: Buffer.from(plain).toString('latin1') })
      },
    ),
  )
})

test('framing that cannot be trusted is bad, wherever it is cut', () => {
  const cases = [
    '\r\n',
    'g\r\n',
    '-1\r\n',
    '0x1\r\n',
    '1\n',
    '1 \r\n',
    '1\r\nxy',
    '1\r\nx\n',
    '1\r\nx\r\r',
    '0\r\n\n',
    '0\r\n x: folded\r\n\r\n',
    '0\r\na: b\rc',
    `1;${'x'.repeat(300)}\r\n`,
    '1'.repeat(13),
    `0\r\n${'a: b\r\n'.repeat(2000)}`,
    '1;\x00\r\n',
  ]
  for (const text of cases)
    for (const size of [1, 2, 1000]) assert.equal(follow(Buffer.from(text), [size]).kind, 'bad', JSON.stringify(text.slice(0, 20)))
})
