import { Client, credentials } from '@grpc/grpc-js'
import { register } from '@grpc/grpc-js-xds'

/** Child process of `grpc-peer.test.ts`: gRPC's own xDS client. Calls an echo service again and again and prints who answered. */
register()
const client = new Client(process.argv[2]!, credentials.createInsecure())
const identity = (bytes: Buffer) => bytes

for (;;) {
  const answer = await new Promise<string>(resolve => {
    client.makeUnaryRequest('/test.Echo/Echo', identity, identity, Buffer.from('hi'), { deadline: Date.now() + 3000 }, (error, value) => {
      resolve(error ? `error: ${error.details}` : value!.toString())
    })
  })
  process.stdout.write(`${answer}\n`)
  await new Promise(resolve => setTimeout(resolve, 10))
}
