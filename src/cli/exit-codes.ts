/** What a script may rely on; 64–78 follow sysexits.h. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  partlyApplied: 3,
  notFound: 4,
  conflict: 5,
  usage: 64,
  badInput: 65,
  unreachable: 69,
  temporary: 75,
  notAuthorised: 77,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** For the reference page and `skerry --help`. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [0, 'done'],
  [1, 'failed'],
  [3, 'partly done: some objects were accepted, some were not; or, with --strict, an import dropped something'],
  [4, 'not found'],
  [5, 'conflict: somebody else changed it in between'],
  [64, 'wrong usage: unknown command, flag or value'],
  [65, 'bad input: a file that cannot be read or an object that is refused'],
  [69, 'the control plane (or a program) is not there'],
  [75, 'try again later'],
  [77, 'not authorised'],
  [130, 'interrupted'],
]
