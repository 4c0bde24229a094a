import { inflateRawSync } from 'node:zlib'

/** The files in a ZIP archive, as text. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function unzip(archive: Buffer): { readonly name: string; readonly text: string }[] {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  const count = archive.readUInt16LE(end + 10)
  const files: { name: string; text: string }[] = []
  let at = archive.readUInt32LE(end + 16)
  for (let file = 0; file < count; file++) {
    const [method, size] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20)]
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(offset => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    const local = archive.readUInt32LE(at + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const content = archive.subarray(start, start + size)
    files.push({
      name: archive.toString('utf8', at + 46, at + 46 + nameLength),
      text: (method === 0 ? content : inflateRawSync(content)).toString('latin1'),
    })
    at += 46 + nameLength + extraLength + commentLength
  }
  return files
}
