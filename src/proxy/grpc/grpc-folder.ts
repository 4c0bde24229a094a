import { join } from 'node:path'

/** Where a gRPC application finds what it needs, below the proxy's directory; readable by this user only. */
export function grpcFolder(directory: string) {
  const folder = join(directory, 'grpc')
  return {
    folder,
    bootstrap: join(folder, 'bootstrap.json'),
    adsSocket: join(folder, 'ads.sock'),
    identity: join(folder, 'identity'),
  } as const
}
