/** How to ask for resources by name; `xds/ads-client.ts` is one. */
export interface Subscriptions {
  subscribe(typeUrl: string, names: Iterable<string> | '*'): void
  unsubscribe(typeUrl: string, names: Iterable<string> | '*'): void
}
