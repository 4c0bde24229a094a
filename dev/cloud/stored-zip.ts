import { crc32 } from 'node:zlib'

/** A ZIP archive with one file in it, as it is. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function storedZip(name: string, content: string): Buffer {
  const data = Buffer.from(content)
  const path = Buffer.from(name)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt32LE(crc32(data), 10)
  common.writeUInt32LE(data.length, 14)
  common.writeUInt32LE(data.length, 18)
  common.writeUInt16LE(path.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, data])
  const attributes = Buffer.alloc(14)
  // A file that everybody may read: 0100644, in the upper half.
  attributes.writeUInt32LE(0o100644 * 0x10000, 6)
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, attributes, path])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}
