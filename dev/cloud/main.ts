import { readFile } from 'node:fs/promises'
import { DescribeTasksCommand, ECSClient, ListTasksCommand, StopTaskCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs'
import type { MeshState } from '../mesh.ts'
import { cluster } from './cloud-resources.ts'
import { weathers } from './front.ts'
import { fakeCredentials, fakeRegion } from './ministack.ts'

const usage = `npm run cloud -- COMMAND, of a demo that was started with --with-fake-cloud:
  tasks                          the ECS tasks, and where each listens
  scale SERVICE COUNT            how many tasks a service has
  stop TASK                      stops a task (a part of its id will do); its service starts another one
  weather ${weathers.join('|')}        fails all questions, or answers that nothing is there, or as before
`

/** What a user does in the fake cloud, by the calls that the AWS command line makes. */
const [command, ...args] = process.argv.slice(2)
const endpoint = await cloudOf('.skerry/demo.json')
const ecs = new ECSClient({ endpoint, region: fakeRegion, credentials: fakeCredentials, maxAttempts: 1 })
const say = (line: string) => process.stdout.write(`${line}\n`)

try {
  await run()
} catch (error) {
  fail(69, `error: ${(error as Error).message}\nfix: see whether the demo runs, and npm run cloud -- weather fine\n`)
}

async function run(): Promise<void> {
  const [first, second] = args
  if (command === 'tasks') for (const { id, group, lastStatus, address } of await tasks()) say(`${id}  ${group}  ${lastStatus}  ${address}`)
  else if (command === 'scale' && first && /^\d+$/.test(second ?? '')) {
    await ecs.send(new UpdateServiceCommand({ cluster, service: first, desiredCount: Number(second) }))
    say(`${first} shall have ${second} tasks`)
  } else if (command === 'stop' && first) {
    const meant = (await tasks()).filter(({ id }) => id.includes(first))
    if (meant.length !== 1) fail(64, `${meant.length} tasks have ${first} in their id: npm run cloud -- tasks\n`)
    await ecs.send(new StopTaskCommand({ cluster, task: meant[0]!.id, reason: 'stopped by hand' }))
    say(`${meant[0]!.id} stops`)
  } else if (command === 'weather') {
    const answer = await fetch(`${endpoint}/_demo/weather`, { method: first ? 'PUT' : 'GET', ...(first ? { body: first } : {}) })
    if (!answer.ok) fail(64, usage)
    say(`the weather is ${(await answer.text()).trim()}`)
  } else fail(64, usage)
}

async function tasks() {
  const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster }))
  if (taskArns.length === 0) return []
  const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))
  return tasks.map(({ taskArn = '', group = '', lastStatus = '', attachments }) => ({
    id: taskArn.split('/').pop()!,
    group,
    lastStatus,
    address: attachments?.[0]?.details?.find(({ name }) => name === 'privateIPv4Address')?.value ?? '-',
  }))
}

async function cloudOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() =>
    fail(69, `${file} is not there: start the demo with npm start -- --with-fake-cloud\n`),
  )
  const { urls } = JSON.parse(text) as MeshState
  return urls.cloud ?? fail(69, 'the demo runs without a fake cloud: start it with npm start -- --with-fake-cloud\n')
}

function fail(code: number, why: string): never {
  process.stderr.write(why)
  process.exit(code)
}
