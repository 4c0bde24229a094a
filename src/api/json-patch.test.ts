import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonPatch, type PatchStep } from './json-patch.ts'

test('a changed value is tested, removed and added, as Kuma writes it', () => {
  assert.deepEqual(jsonPatch({ 'a/b': { idleTimeout: '3600s', name: 'x' } }, { 'a/b': { idleTimeout: '322s', name: 'x' } }), [
    { op: 'test', path: '/a~1b/idleTimeout', value: '3600s' },
    { op: 'remove', path: '/a~1b/idleTimeout', value: '3600s' },
    { op: 'add', path: '/a~1b/idleTimeout', value: '322s' },
  ])
})

test('applied to the first value, a patch gives the second', () => {
  const object = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(
    fc.property(object, object, (from, to) => {
      // JSON text has no -0.
      const [first, second] = [from, to].map(value => JSON.parse(JSON.stringify(value)))
      assert.deepEqual(applied(first, jsonPatch(first, second)), second)
    }),
  )
})

/** RFC 6902, as far as our patches go. */
function applied(value: unknown, patch: readonly PatchStep[]): unknown {
  const document = { root: structuredClone(value) }
  for (const { op, path, value } of patch) {
    const keys = ['root', ...path.split('/').slice(1)].map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop()!
    // biome-ignore lint/suspicious/noExplicitAny: a walk through any JSON.
    const parent = keys.reduce<any>((at, key) => at[key], document)
    if (op === 'test') assert.deepEqual(parent[last], value)
    else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(value))
    else if (op === 'add')
      Object.defineProperty(parent, last, { value: structuredClone(value), writable: true, enumerable: true, configurable: true })
    else if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else delete parent[last]
  }
  return document.root
}
