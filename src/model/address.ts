import { isIP } from 'node:net'

const dnsName = /^([a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})([.][a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})*[.]?$/

export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0
}

/** A name that DNS can carry; an IP address is none. */
export function isDnsName(text: string): boolean {
  return text !== '' && text.length <= 255 && !isIpAddress(text) && dnsName.test(text)
}

/** `10.0.0.0/8`, `fd00::/8`. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || bits === undefined || more.length > 0 || !/^[0-9]{1,3}$/.test(bits)) return false
  return Number(bits) <= (family === 4 ? 32 : 128)
}

export function isUrl(text: string): boolean {
  return URL.canParse(text)
}

/** `host:port`. */
export function isHostAndPort(text: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/]+)):([0-9]{1,5})$/.exec(text)
  if (match === null) return false
  const [, ipv6, host = '', port] = match
  return Number(port) <= 65535 && (ipv6 === undefined ? isIP(host) === 4 || isDnsName(host) : isIP(ipv6) === 6)
}
