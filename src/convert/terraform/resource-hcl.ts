import { isComputedLabel } from '../../model/compute-labels.ts'
import { isObject } from '../../model/is-object.ts'
import type { KindDefinition } from '../../model/kind.ts'
import { rotationLabel } from '../../model/labels.ts'
import { type Expression, hclBlock, hclCall } from './hcl.ts'
import { resourceTypeOf } from './kind-names.ts'
import { minimalSpec } from './minimal-spec.ts'
import { specShape } from './observed.ts'
import type { Shape } from './shape.ts'

/** What a resource in a file says. */
export interface Described {
  readonly kind: KindDefinition
  /** '' for kinds of global scope. */
  readonly mesh: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: unknown
}

export interface ResourceHcl {
  /** `skerry_timeout.slow` */
  readonly address: string
  /** The resource's block. */
  readonly text: string
  /** What it is imported by. */
  readonly importId: string
}

export interface HclContext {
  /** Is the address of another resource in the same files? */
  readonly isTaken?: (address: string) => boolean
  /** How to say a mesh that is in the same files, so that it is made first. */
  readonly meshReference?: (mesh: string) => Expression | undefined
}

/** A resource in Terraform's language. */
export function resourceHcl(resource: Described, { isTaken = () => false, meshReference }: HclContext = {}): ResourceHcl {
  const { kind, mesh, name, labels, spec } = resource
  const type = resourceTypeOf(kind.kind)
  const label = freeLabel(type, name, isTaken)
  const own = Object.fromEntries(Object.entries(labels).filter(([key]) => !isComputedLabel(key) && key !== rotationLabel))
  const shape = specShape(kind)
  const attributes = (toHcl(shape, minimalSpec(kind, isObject(spec) ? spec : {})) ?? {}) as Readonly<Record<string, unknown>>
  const hasSpec = kind.shape === 'spec' && (Object.keys(attributes).length > 0 || [...shape.members.values()].some(it => it.isRequired))
  const body = {
    ...(kind.scope === 'mesh' ? { mesh: meshReference?.(mesh) ?? mesh } : {}),
    name,
    ...(Object.keys(own).length > 0 ? { labels: own } : {}),
    ...(kind.shape === 'flat' ? attributes : hasSpec ? { spec: attributes } : {}),
  }
  return { address: `${type}.${label}`, text: hclBlock('resource', [type, label], body), importId: mesh === '' ? name : `${mesh}/${name}` }
}

/** The API's form of a value in the attributes' names. */
function toHcl(shape: Shape, api: unknown): unknown {
  if (api === null || api === undefined) return undefined
  switch (shape.is) {
    case 'object': {
      if (!isObject(api)) return undefined
      return Object.fromEntries(
        [...shape.members].flatMap(([name, { field, shape: inner }]) => {
          const value = toHcl(inner, api[field])
          return value === undefined ? [] : [[name, value]]
        }),
      )
    }
    case 'list':
      return Array.isArray(api) ? api.map(item => toHcl(shape.of, item)) : undefined
    case 'map':
      return isObject(api) ? Object.fromEntries(Object.entries(api).map(([key, item]) => [key, toHcl(shape.of, item)])) : undefined
    case 'json':
      return hclCall('jsonencode', api)
    case 'number or text':
      return String(api)
    default:
      return api
  }
}

/** A name of Terraform's: letters, digits, `_` and `-`, no digit first; with a number where two would be the same. */
function freeLabel(type: string, name: string, isTaken: (address: string) => boolean): string {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^(?![A-Za-z_])/, '_')
  for (let count = 1; ; count++) {
    const label = count === 1 ? plain : `${plain}_${count}`
    if (!isTaken(`${type}.${label}`)) return label
  }
}
