import { createHash } from 'node:crypto'
import type { Type } from '../../sdk/cty/type.ts'
import { isListValue, isObjectValue, UNKNOWN, type Value } from '../../sdk/cty/value.ts'

/** What stands for a cloud's own answers: the same for the same seed, in the form that the attribute's name lets expect. */
export function fillUnknown(type: Type, value: Value, owner: Owner, name = 'id'): Value {
  if (value === UNKNOWN) return madeUp(type, owner, name)
  if (value === null || typeof type === 'string') return value
  switch (type[0]) {
    case 'object':
      return isObjectValue(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillUnknown(type[1][key]!, inner, owner, key)]))
        : value
    case 'map':
      return isObjectValue(value)
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillUnknown(type[1], inner, owner, key)]))
        : value
    case 'list':
    case 'set':
      return isListValue(value) ? value.map(inner => fillUnknown(type[1], inner, owner, name)) : value
    default:
      return value
  }
}

/** Whose attributes are made up. */
export interface Owner {
  /** `aws_ecs_service`. */
  readonly type: string
  readonly seed: string
}

export function seedOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

export const account = '123456789012'
export const region = 'eu-central-1'

function madeUp(type: Type, owner: Owner, name: string): Value {
  if (type === 'string') return text(owner, name)
  if (type === 'number') return 1
  if (type === 'bool') return false
  if (type === 'dynamic') return null
  switch (type[0]) {
    case 'object':
      return Object.fromEntries(Object.entries(type[1]).map(([key, inner]) => [key, madeUp(inner, owner, key)]))
    case 'map':
      return {}
    case 'tuple':
      return type[1].map(inner => madeUp(inner, owner, name))
    default:
      // A list that is there to be read has something in it: `ids[0]` is what configurations ask for.
      return [madeUp(type[1], owner, name)]
  }
}

function text({ type, seed }: Owner, name: string): string {
  const short = createHash('sha256').update(`${seed}/${name}`).digest('hex')
  const [provider = '', service = ''] = type.split('_')
  if (name === 'account_id') return account
  if (name === 'region' && provider === 'aws') return region
  if (name === 'partition') return 'aws'
  if (/(^|_)arn$/.test(name)) return `arn:aws:${service}:${region}:${account}:${type}/${short.slice(0, 12)}`
  if (name === 'dns_name') return `${short.slice(0, 12)}.${service}.${region}.example`
  if (/(^|_)ip(_address)?$/.test(name)) return address(short)
  if (/(^|_)cidr(_block)?$/.test(name)) return '10.0.0.0/16'
  if (/certificate|_ca$|ca_data|(^|_)data$/.test(name)) return Buffer.from(`certificate ${short.slice(0, 12)}`).toString('base64')
  if (/(tenant|client|principal|object|subscription)_id$/.test(name)) return uuid(short)
  if (name === 'id' && provider === 'azurerm')
    return `/subscriptions/${uuid('0'.repeat(32))}/resourceGroups/stub/providers/${type}/${short.slice(0, 12)}`
  if (name === 'url') return `https://${service}.${region}.example/${account}/${short.slice(0, 12)}`
  if (name === 'vault_uri') return `https://${short.slice(0, 12)}.vault.azure.net/`
  if (name === 'email') return `${short.slice(0, 12)}@stub.iam.gserviceaccount.com`
  return `${name.replaceAll('_', '-')}-${short.slice(0, 12)}`
}

/** One of the addresses that are kept for documentation. https://www.rfc-editor.org/rfc/rfc5737 */
function address(hash: string): string {
  return `203.0.113.${1 + (Number.parseInt(hash.slice(0, 2), 16) % 254)}`
}

function uuid(hash: string): string {
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-')
}
