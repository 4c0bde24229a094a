import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Exportable, exportHcl } from './export-hcl.ts'
import { hclBlock, hclString, hclValue } from './hcl.ts'

const aResource = (kind: string, name: string, spec: unknown, more: Partial<Exportable> = {}): Exportable => ({
  kind,
  mesh: kind === 'Mesh' || kind === 'Zone' ? '' : 'default',
  name,
  labels: { 'kuma.io/display-name': name, 'kuma.io/origin': 'global' },
  spec,
  ...more,
})

test('a resource comes with its import block, and after the mesh that it is in', () => {
  const timeout = aResource('MeshTimeout', 'slow', {
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '1m30s' } }],
  })

  const { text, count, skipped } = exportHcl([timeout, aResource('Mesh', 'default', {})])

  assert.equal(
    text,
    `import {
  to = skerry_mesh.default
  id = "default"
}

resource "skerry_mesh" "default" {
  name = "default"
}

import {
  to = skerry_timeout.slow
  id = "default/slow"
}

resource "skerry_timeout" "slow" {
  mesh = skerry_mesh.default.name
  name = "slow"
  spec = {
    to = [
      {
        target_ref = {
          kind = "Mesh"
        }
        default = {
          connection_timeout = "1m30s"
        }
      },
    ]
  }
}
`,
  )
  assert.deepEqual({ count, skipped }, { count: 2, skipped: [] })
})

test('names that are one to Terraform get a number, and none begins with a digit', () => {
  const { text } = exportHcl([aResource('Zone', 'a.b', {}), aResource('Zone', 'a_b', {}), aResource('Zone', '1st', {})])

  assert.match(text, /"skerry_zone" "a_b" \{\n {2}name = "a\.b"/)
  assert.match(text, /"skerry_zone" "a_b_2" \{\n {2}name = "a_b"/)
  assert.match(text, /"skerry_zone" "_1st"/)
})

test('what cannot be exported is named with its reason', () => {
  const { text, skipped } = exportHcl([
    aResource('Secret', 'key', { data: 'c2VjcmV0' }),
    aResource('ZoneInsight', 'aws-1', {}),
    aResource('Dataplane', 'vm', { networking: { address: '10.0.0.1' } }, { labels: { 'kuma.io/managed-by': 'terraform' } }),
  ])

  assert.equal(text, '')
  assert.deepEqual(
    skipped.map(({ kind, reason }) => [kind, reason.split(':')[0]]),
    [
      ['Secret', 'secrets do not leave the control plane'],
      ['ZoneInsight', 'the provider has no resource for it'],
      ['Dataplane', 'Terraform made it'],
    ],
  )
})

test('text stays text: nothing in it becomes a template, and every character arrives', () => {
  assert.equal(hclString(`$\{a} %{b} "c"\n\u0008 \\b`), `"$$${String.raw`{a} %%{b} \"c\"\n\u0008 \\b"`}`)
  assert.equal(hclValue({ 'kuma.io/x': 1, plain: [] }), '{\n  "kuma.io/x" = 1\n  plain       = []\n}')
  assert.equal(hclBlock('import', [], {}), 'import {\n}\n')
})
