import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readModule } from './read-module.ts'
import { withTables } from './tables.ts'

const variables = `variable "name" {
  description = "A \\"name\\" | or none."
  type        = string
}

variable "ports" {
  description = "Where it listens."
  type = list(object({
    name = optional(string, "main")
    port = number
  }))
  default = []

  validation {
    condition     = length(var.ports) > 0
    error_message = "ports: at least one."
  }
}

output "address" {
  description = "Where it is."
  value       = var.name
}
`

test('tables say what the module takes and gives, and leave the rest of a README as it is', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-readme-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'main.tf'), variables)

  const once = withTables('# Title\n\nWords.\n', readModule(directory))
  const twice = withTables(`${once}More words.\n`, readModule(directory))

  assert.match(once, /^# Title\n\nWords\.\n/)
  assert.ok(once.includes('| `name` | `string` | **needed** | A "name" \\| or none. |'))
  assert.ok(once.includes('| `ports` | `list(object({ name = optional(string, "main"), port = number }))` | `[]` | Where it listens. |'))
  assert.ok(once.includes('| `address` | Where it is. |'))
  assert.equal(twice, `${once}More words.\n`)
})
