import { adapterContract } from '../adapter.contract.ts'
import { aSource, identityReply, jsonRefusals, operationOf, testAccount, testRegion, withKeys } from '../aws/test-support.ts'
import type { Reply, ScriptedRequest, World } from '../scripted-platform.ts'
import { lambda } from './list.ts'

const prefix = `arn:aws:lambda:${testRegion}:${testAccount}:function:`

adapterContract('Lambda', {
  script: { respond, isListing: request => identityReply(request) === undefined },
  open: (endpoint, deps) => lambda.open(aSource(endpoint, { type: 'Lambda' }), withKeys(deps)),
  isPaged: true,
  refusals: jsonRefusals,
})

function respond(request: ScriptedRequest, world: World): Reply {
  const identity = identityReply(request)
  if (identity !== undefined) return identity
  if (operationOf(request) === 'GetResources') {
    const { names, next = '' } = world.page((JSON.parse(request.body) as { PaginationToken?: string }).PaginationToken)
    const tags = [
      { Key: 'skerry.io/expose', Value: 'true' },
      { Key: 'skerry.io/aliases', Value: 'live' },
    ]
    return { body: { ResourceTagMappingList: names.map(name => ({ ResourceARN: prefix + name, Tags: tags })), PaginationToken: next } }
  }
  const [, name = ''] = /functions\/([^/]+)/.exec(decodeURIComponent(request.path)) ?? []
  if (request.path.endsWith('/account-settings')) return { body: { AccountUsage: { FunctionCount: world.names.length } } }
  if (!world.names.includes(name.slice(prefix.length)))
    return {
      status: 404,
      headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
      body: { Type: 'User', Message: 'Function not found' },
    }
  if (request.path.endsWith('/aliases')) return { body: { Aliases: [{ Name: 'live', FunctionVersion: '3' }] } }
  return { body: { Configuration: { FunctionName: name, State: 'Active', LastUpdateStatus: 'Successful', Version: '3' } } }
}
