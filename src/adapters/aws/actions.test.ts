import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { awsActions } from './actions.ts'

const folders = { CloudMap: 'cloudmap', ECS: 'ecs', EC2: 'ec2', Lambda: 'lambda', events: 'aws' } as const

for (const [type, folder] of Object.entries(folders)) {
  test(`the permissions of ${type} are those of its calls, all of them and no other`, () => {
    const directory = join(import.meta.dirname, '..', folder)
    const sources = readdirSync(directory)
      .filter(file => file.endsWith('.ts') && !/[.]test[.]ts$|^(actions|call-error)[.]ts$/.test(file))
      .map(file => readFileSync(join(directory, file), 'utf8'))
    const called = new Set(
      sources.flatMap(source =>
        [...source.matchAll(/'((?:ecs|ec2|lambda|servicediscovery|sqs|ssm|tag):[A-Z]\w+)'/g)].map(([, action]) => action!),
      ),
    )

    assert.deepEqual([...called].sort(), [...awsActions[type as keyof typeof folders]].sort())
  })
}
