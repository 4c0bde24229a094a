import { ProxyError } from './proxy-error.ts'

/** The longest path of a unix socket, in bytes. https://man7.org/linux/man-pages/man7/unix.7.html */
const longestSocketPath = 107

/** @throws ProxyError when it is too long to be one */
export function socketPath(path: string): string {
  if (Buffer.byteLength(path) <= longestSocketPath) return path
  throw new ProxyError(
    'SKERRY_DATA_UNUSABLE',
    `${path} is longer than the ${longestSocketPath} bytes that the path of a unix socket may have`,
    'give a shorter --data DIR',
  )
}
