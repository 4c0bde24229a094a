type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** One event for Terraform's log (TF_LOG, TF_LOG_PROVIDER). Never with a secret in it: people paste these lines. */
export type PluginLog = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** Lines as go-plugin reads them off stderr. It wants six digits of fraction, and shows a line that differs as it is. */
export const logToStderr: PluginLog = (level, message, fields = {}) => {
  const timestamp = new Date().toISOString().replace('Z', '000Z')
  const line = { '@level': level, '@message': message, '@module': 'provider', '@timestamp': timestamp, ...fields }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}

export const silentPluginLog: PluginLog = () => {}
