/** Whether an address is this machine's own: 127.0.0.0/8, ::1, and the former in IPv6 clothes. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}
