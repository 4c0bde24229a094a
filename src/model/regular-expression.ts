/** Does it parse? Proxies use RE2, which knows less than we do here: what it refuses (look-around, back references) is told by them. */
export function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) !== null
  } catch {
    return false
  }
}
