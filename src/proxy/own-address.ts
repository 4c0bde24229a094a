import { networkInterfaces } from 'node:os'

/**
 * The address of this machine at which others reach it: its first IPv4 address that is neither loopback nor link-local – ECS gives every task one of
 * those beside its own, to ask for its metadata –, else such an address of IPv6. undefined: it has none.
 */
export function ownAddress(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): string | undefined {
  const addresses = Object.values(interfaces)
    .flatMap(its => its ?? [])
    .filter(({ internal, address }) => !internal && !/^(169[.]254[.]|fe[89ab])/i.test(address))
  return (addresses.find(({ family }) => family === 'IPv4') ?? addresses[0])?.address
}
