/** `rg` of `/subscriptions/s/resourceGroups/rg/providers/…`; '' where there is none. */
export function resourceGroupOf(id: string): string {
  return /\/resourceGroups\/([^/]+)/i.exec(id)?.[1] ?? ''
}
