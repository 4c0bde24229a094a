/** What a reference of Kuma 2 became; `impossible` = nothing here says the same, or less. */
export type Targeted<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'impossible'; readonly why: string }

export function targeted<T>(value: T): Targeted<T> {
  return { kind: 'ok', value }
}

export function impossible(why: string): { readonly kind: 'impossible'; readonly why: string } {
  return { kind: 'impossible', why }
}
