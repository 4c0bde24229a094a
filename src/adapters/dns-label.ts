import { createHash } from 'node:crypto'

const longest = 63
const hashLength = 8

/**
 * A DNS label that begins with a letter, made of any text: the same text gives the same label. What is too long ends in a hash of the whole,
 * so that two long names do not become one. '' when no letter or digit is left of it.
 */
export function dnsLabelOf(text: string): string {
  const plain = trim(text.toLowerCase().replace(/[^a-z0-9]+/g, '-'))
  if (plain === '') return ''
  const label = /^[a-z]/.test(plain) ? plain : `w-${plain}`
  return label.length <= longest ? label : `${trim(label.slice(0, longest - hashLength - 1))}-${shortHash(text)}`
}

/** As many hexadecimal digits of a text's SHA-256 as make names unique. */
export function shortHash(text: string, length = hashLength): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

function trim(text: string): string {
  return text.replace(/^-+|-+$/g, '')
}
