import type { Origin } from './plan.ts'
import { type FieldOrigin, fieldsOf } from './rules/fields.ts'
import { mergeConfs } from './rules/merge.ts'
import type { RuleConf, RuleOrigin } from './rules/policy.ts'

/** One setting as it is in force: `http.requestTimeout`, its value, and which object set it. */
export interface Setting {
  readonly path: string
  readonly value: unknown
  readonly origin: Origin
}

/** What is in force of one kind: what policies say, over what holds when they say nothing. */
export interface Effective<Conf> {
  readonly conf: Conf
  /** Every setting of `conf`, defaults included. */
  readonly settings: readonly Setting[]
}

/**
 * Lays what policies say over the defaults. Proxies that are under the same policies share one answer: the same `rule` and `defaults`
 * give the same object.
 */
export function effective<Conf extends object>(defaults: Conf, rule: RuleConf | null): Effective<Conf> {
  const memo = memoOf(rule ?? noRule)
  const known = memo.get(defaults)
  if (known) return known as Effective<Conf>
  const layers = rule?.layers ?? []
  const made: Effective<Conf> = {
    conf: mergeConfs([defaults, ...layers.map(layer => layer.conf as Conf)])!,
    settings: fieldsOf(rule, defaults).map(settingOf),
  }
  memo.set(defaults, made)
  return made
}

/** The same plan for the same configuration, worked out once: proxies that are under the same policies share it. */
export function perConf<Conf extends object, Plan>(plan: (conf: Conf) => Plan): (conf: Conf) => Plan {
  const known = new WeakMap<Conf, Plan>()
  return conf => {
    let made = known.get(conf)
    if (made === undefined) {
      made = plan(conf)
      known.set(conf, made)
    }
    return made
  }
}

/** `<KRI>#<position of the rule in its policy>`, or `default`. */
export function originText(origin: RuleOrigin | null): Origin {
  return origin === null ? 'default' : `${origin.kri}#${origin.ruleIndex}`
}

export function settingOf({ path, value, origin }: FieldOrigin): Setting {
  return { path, value, origin: originText(origin) }
}

const noRule = {}
const memos = new WeakMap<object, Map<object, unknown>>()

function memoOf(rule: object): Map<object, unknown> {
  let memo = memos.get(rule)
  if (!memo) {
    memo = new Map()
    memos.set(rule, memo)
  }
  return memo
}
