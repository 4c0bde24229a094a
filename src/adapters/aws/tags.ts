/** Tags as the services spell them: ECS writes `key`, EC2 and the tagging service `Key`. */
export interface Tag {
  readonly key?: string | undefined
  readonly value?: string | undefined
  readonly Key?: string | undefined
  readonly Value?: string | undefined
}

const none: Readonly<Record<string, string>> = Object.freeze({})

/** Tags by their names. AWS's own (`aws:…`) are kept: Auto Scaling and CloudFormation say useful things with them. */
export function tagsOf(tags: readonly Tag[] | null | undefined): Readonly<Record<string, string>> {
  if (!tags || tags.length === 0) return none
  return Object.fromEntries(
    tags.flatMap(tag => ((tag.key ?? tag.Key) === undefined ? [] : [[tag.key ?? tag.Key!, tag.value ?? tag.Value ?? '']])),
  )
}
