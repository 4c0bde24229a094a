import type { Registry } from './registry.ts'

/** Was nothing ever written here? A store whose content somebody deleted has a history, and is no first start. */
export function isFirstStart(registry: Registry): boolean {
  return registry.revision === 0
}
