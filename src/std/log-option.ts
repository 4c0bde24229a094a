import type { OptionSpec } from './options.ts'

/** How much a program logs; every program has this setting. */
export const logLevelOption = {
  flag: '--log-level',
  env: 'SKERRY_LOG_LEVEL',
  key: 'logLevel',
  value: 'string',
  placeholder: 'LEVEL',
  help: 'debug, info, warn or error',
  default: 'info',
  choices: ['debug', 'info', 'warn', 'error'],
} as const satisfies OptionSpec
