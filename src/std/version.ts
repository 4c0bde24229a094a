import packageJson from '../../package.json' with { type: 'json' }

/** Of this checkout: what `skerry version`, `GET /` and every User-Agent say. */
export const version: string = packageJson.version
