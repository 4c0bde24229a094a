/** The token in a call's metadata (`authorization: Bearer TOKEN`); '' when there is none. kuma-dp sends it without the word. */
export function bearerToken(metadata: ReadonlyMap<string, string>): string {
  return (metadata.get('authorization') ?? '').replace(/^Bearer /, '')
}
