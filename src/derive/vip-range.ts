/** Addresses that are given to services, one after the other. */
export interface VipRange {
  readonly cidr: string
  /** As 32-bit numbers, both included. */
  readonly first: number
  readonly last: number
}

/** `241.0.0.0/8`. The address of the network and that for everybody in it are left out, as everywhere. null = not such a text. */
export function parseVipRange(cidr: string): VipRange | null {
  const [, address = '', bits = ''] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(cidr) ?? []
  const number = parseIpv4(address)
  const prefix = Number(bits)
  if (number === null || bits === '' || prefix > 32) return null
  const size = 2 ** (32 - prefix)
  // No bit operators: they are signed.
  const network = number - (number % size)
  const kept = size > 2 ? 1 : 0
  return { cidr, first: network + kept, last: network + size - 1 - kept }
}

export function overlap(a: VipRange, b: VipRange): boolean {
  return a.first <= b.last && b.first <= a.last
}

export function rangeSize({ first, last }: VipRange): number {
  return last - first + 1
}

/** null = no IPv4 address. */
export function parseIpv4(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number)
  if (!parts || parts.some(part => part > 255)) return null
  return parts.reduce((number, part) => number * 256 + part, 0)
}

export function formatIpv4(number: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.')
}
