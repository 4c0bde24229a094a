import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { SqliteFile } from './sqlite-file.ts'
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages.ts'
import { type SqliteFileOptions, sqlite } from './sqlite-open.ts'
import { CompactedError, StoreDamagedError, StoreFailedError, type StoreOperation } from './store.ts'

/**
 * The thread that waits for the disk so that no other has to. Group commit: what has gathered while one transaction was being made
 * durable goes into the next, so a slow disk makes groups larger, not the queue longer.
 */
const port = parentPort!

function main(options: SqliteFileOptions): void {
  const file = open(options)
  if (!file) {
    port.close()
    return
  }
  let hasFailed = false
  port.on('message', (first: SqliteRequest) => {
    for (const request of gather(first)) {
      if (request.kind === 'close') {
        file.close()
        port.close()
        return
      }
      if (hasFailed) continue
      try {
        handle(request, file)
      } catch (error) {
        hasFailed = true
        answer({ kind: 'failed', problem: (error as Error).message })
      }
    }
  })
}

/** More would keep the first of them waiting for the last. */
const groupLimit = 1024

/** Everything that waits in the port, commits that follow each other joined. */
function gather(first: SqliteRequest): SqliteRequest[] {
  const requests: SqliteRequest[] = []
  for (let request: SqliteRequest | undefined = first; request; request = receiveMessageOnPort(port)?.message) {
    const last = requests.at(-1)
    if (request.kind === 'commit' && last?.kind === 'commit')
      requests[requests.length - 1] = { kind: 'commit', commits: [...last.commits, ...request.commits] }
    else requests.push(request)
  }
  return requests
}

function handle(request: Exclude<SqliteRequest, { kind: 'close' }>, file: SqliteFile): void {
  switch (request.kind) {
    case 'commit':
      for (let start = 0; start < request.commits.length; start += groupLimit)
        commit(request.commits.slice(start, start + groupLimit), file)
      return
    case 'load':
      answer({ kind: 'loaded', id: request.id, revision: file.load(records => answer({ kind: 'records', id: request.id, records })) })
      return
    case 'changes':
      changes(request, file)
      return
    default:
      request satisfies never
  }
}

function commit(group: readonly (readonly StoreOperation[])[], file: SqliteFile): void {
  try {
    answer({ kind: 'committed', outcomes: file.commitGroup(group) })
  } catch (error) {
    if (!isFull(error)) throw error
    answer({ kind: 'full', count: group.length })
  }
  try {
    file.checkpointWhenDue()
  } catch (error) {
    if (!isFull(error)) throw error // the log stays longer; nothing is lost, and a later checkpoint may find room
  }
}

function changes({ id, after }: { id: number; after: number }, file: SqliteFile): void {
  try {
    answer({ kind: 'changes', id, commits: file.changesAfter(after, groupLimit) })
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error
    answer({ kind: 'compacted', id, oldest: error.oldest })
  }
}

function open(options: SqliteFileOptions): SqliteFile | undefined {
  try {
    const file = SqliteFile.open(options, records => answer({ kind: 'records', id: 0, records }))
    answer({ kind: 'opened', revision: file.revision })
    return file
  } catch (error) {
    if (error instanceof StoreDamagedError) answer({ kind: 'damaged', code: error.code, problem: error.problem, advice: error.advice })
    else answer({ kind: 'failed', problem: error instanceof StoreFailedError ? error.problem : (error as Error).message })
    return undefined
  }
}

function isFull(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === sqlite.full
}

function answer(message: SqliteAnswer): void {
  port.postMessage(message)
}

main(workerData as SqliteFileOptions)
