import type { TargetRef } from '../model/target-ref.ts'

/** What every policy's spec has in common. */
export interface PolicySpec {
  readonly targetRef?: TargetRef
  readonly to?: readonly { readonly targetRef: TargetRef }[]
}
