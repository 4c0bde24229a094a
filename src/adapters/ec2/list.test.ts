import { adapterContract } from '../adapter.contract.ts'
import { aSource, identityReply, withKeys } from '../aws/test-support.ts'
import type { Reply, ScriptedRequest, World } from '../scripted-platform.ts'
import { ec2 } from './list.ts'

adapterContract('EC2', {
  script: { respond, isListing: request => identityReply(request) === undefined },
  open: (endpoint, deps) => ec2.open(aSource(endpoint, { type: 'EC2' }), withKeys(deps)),
  isPaged: true,
  refusals: {
    throttled: refusal(503, 'RequestLimitExceeded', 'Request limit exceeded.'),
    denied: refusal(403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.'),
    failed: refusal(500, 'InternalError', 'An internal error has occurred'),
  },
})

function respond(request: ScriptedRequest, world: World): Reply {
  const identity = identityReply(request)
  if (identity !== undefined) return identity
  const query = new URLSearchParams(request.body)
  const asked = [...query].filter(([name]) => name.startsWith('InstanceId.')).map(([, id]) => id)
  if (asked.length > 0) {
    const unknown = asked.filter(id => !world.names.map(idOf).includes(id))
    return unknown.length > 0
      ? refusal(400, 'InvalidInstanceID.NotFound', `The instance IDs '${unknown.join(', ')}' do not exist`)
      : answer(asked.map(anInstance).join(''))
  }
  const { names, next } = world.page(query.get('NextToken'))
  return answer(names.map(name => anInstance(idOf(name))).join(''), next)
}

function idOf(name: string): string {
  return `i-${name.replace(/\D/g, '').padStart(8, '0')}`
}

function answer(instances: string, next?: string): Reply {
  const token = next === undefined ? '' : `<nextToken>${next}</nextToken>`
  const set = `<reservationSet><item><instancesSet>${instances}</instancesSet></item></reservationSet>`
  return { headers: { 'content-type': 'text/xml' }, body: `<DescribeInstancesResponse>${set}${token}</DescribeInstancesResponse>` }
}

function anInstance(id: string): string {
  const tags =
    '<tagSet><item><key>skerry.io/service</key><value>web</value></item><item><key>skerry.io/port</key><value>8080</value></item></tagSet>'
  return `<item><instanceId>${id}</instanceId><privateIpAddress>10.0.0.9</privateIpAddress><instanceState><name>running</name></instanceState>${tags}</item>`
}

function refusal(status: number, code: string, message: string): Reply {
  const error = `<Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors>`
  return { status, headers: { 'content-type': 'text/xml' }, body: `<Response>${error}</Response>` }
}
