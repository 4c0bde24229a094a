import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { kinds } from '../model/kinds/index.ts'
import { CliError, usageError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'
import { type FileObject, parseObjects } from './file-objects.ts'
import type { Io } from './io.ts'

/**
 * The objects of every `-f`. All problems of all files come as one error, so that nothing is sent unless everything can be read.
 * In the order in which kinds rest on each other, and within a kind as written.
 */
export async function readObjects(paths: readonly string[], defaultMesh: string, io: Io): Promise<FileObject[]> {
  if (paths.length === 0) throw usageError('which file?', 'name one with -f FILE, a directory with -f DIR, or stdin with -f -')
  const parsed = (await readTexts(paths, io)).map(({ name, text }) => parseObjects(name, text, defaultMesh))
  const problems = parsed.flatMap(({ problems }) => problems)
  if (problems.length > 0) throw badFile(problems.join('\n'), 'correct the file at that place and run the command again; nothing was sent')
  const objects = parsed.flatMap(({ objects }) => objects)
  if (objects.length === 0) throw badFile(`${paths.join(', ')}: no objects in there`, 'an object has type: and name: at its top')
  return objects.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
}

/** Of every path: a file, all YAML and JSON of a directory, or stdin (`-`). */
export async function readTexts(paths: readonly string[], io: Io): Promise<{ readonly name: string; readonly text: string }[]> {
  const texts: { name: string; text: string }[] = []
  for (const path of paths) {
    if (path === '-') texts.push({ name: 'stdin', text: await io.readStdin() })
    else
      for (const file of await filesOf(path)) texts.push({ name: file, text: await readFile(file, 'utf8').catch(rethrowUnreadable(file)) })
  }
  return texts
}

async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(rethrowUnreadable(path))
  if (!found.isDirectory()) return [path]
  const files = (await readdir(path)).filter(file => /\.(ya?ml|json)$/.test(file)).sort()
  return files.map(file => join(path, file))
}

function rethrowUnreadable(path: string): (error: NodeJS.ErrnoException) => never {
  return ({ code, message }) => {
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'you may not read it' : message
    throw new CliError(`${path}: ${why}`, {
      code: 'SKERRY_FILE_UNREADABLE',
      exitCode: exitCodes.badInput,
      fix: 'name a file or a directory that you can read',
    })
  }
}

/** Something in a file is wrong: `FILE:LINE:COLUMN` and why, a line each. */
export function badFile(message: string, fix: string): CliError {
  return new CliError(message, { code: 'SKERRY_BAD_FILE', exitCode: exitCodes.badInput, fix })
}
