import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromWire, toWire } from '../model/wire.ts'
import { defaultMesh } from './default-mesh.ts'

test('what a first start makes is what a user could write', () => {
  for (const draft of defaultMesh({ mode: 'global' })) {
    const wire = toWire({ ...draft, labels: {}, creationTime: '', modificationTime: '', revision: 1 })
    assert.deepEqual(fromWire(wire, { strict: true }).kind, 'ok', draft.kind)
  }
})
