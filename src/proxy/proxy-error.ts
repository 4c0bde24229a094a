/** Ends a proxy. `code` is stable, `fix` is what a person can do, `exitCode` follows sysexits.h. */
export class ProxyError extends Error {
  override name = 'ProxyError'
  readonly code: string
  readonly fix: string
  readonly exitCode: number

  constructor(code: string, message: string, fix: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(fix === '' ? message : `${message}: ${fix}`, options)
    this.code = code
    this.fix = fix
    this.exitCode = options.exitCode ?? 1
  }
}

/** The control plane says no. */
export const EXIT_NOT_AUTHORISED = 77
/** The command line, a variable or the config file is wrong. */
export const EXIT_USAGE = 64
