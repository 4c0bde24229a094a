import { adapterContract } from '../adapter.contract.ts'
import { aSource, identityReply, jsonRefusals, operationOf, testAccount, testRegion, withKeys } from '../aws/test-support.ts'
import type { Reply, ScriptedRequest, World } from '../scripted-platform.ts'
import { ecs } from './list.ts'

const cluster = `arn:aws:ecs:${testRegion}:${testAccount}:cluster/prod`
const taskPrefix = `arn:aws:ecs:${testRegion}:${testAccount}:task/prod/`
const definition = `arn:aws:ecs:${testRegion}:${testAccount}:task-definition/web:7`

adapterContract('ECS', {
  script: { respond, isListing: request => identityReply(request) === undefined },
  open: (endpoint, deps) => ecs.open(aSource(endpoint, { type: 'ECS' }), withKeys(deps)),
  isPaged: true,
  refusals: jsonRefusals,
})

function respond(request: ScriptedRequest, world: World): Reply {
  const identity = identityReply(request)
  if (identity !== undefined) return identity
  const asked = JSON.parse(request.body) as { nextToken?: string; tasks?: string[]; services?: string[] }
  switch (operationOf(request)) {
    case 'ListClusters':
      return { body: { clusterArns: [cluster] } }
    case 'DescribeClusters':
      return {
        body: {
          clusters: [{ clusterArn: cluster, clusterName: 'prod', status: 'ACTIVE', runningTasksCount: world.names.length }],
          failures: [],
        },
      }
    case 'ListTasks': {
      const { names, next } = world.page(asked.nextToken)
      return { body: { taskArns: names.map(name => taskPrefix + name), ...(next === undefined ? {} : { nextToken: next }) } }
    }
    case 'DescribeTasks': {
      const isThere = (arn: string) => world.names.includes(arn.slice(taskPrefix.length))
      const tasks = asked.tasks!.filter(isThere)
      // A platform that tells things twice tells them twice here as well.
      const twice = world.names.length > new Set(world.names).size
      return {
        body: {
          tasks: (twice ? [...tasks, ...tasks] : tasks).map(aTask),
          failures: asked.tasks!.filter(arn => !isThere(arn)).map(arn => ({ arn, reason: 'MISSING' })),
        },
      }
    }
    case 'DescribeServices':
      return { body: { services: asked.services!.map(serviceName => ({ serviceName, tags: [] })), failures: [] } }
    case 'DescribeTaskDefinition':
      return {
        body: {
          taskDefinition: {
            taskDefinitionArn: definition,
            family: 'web',
            revision: 7,
            networkMode: 'awsvpc',
            containerDefinitions: [{ name: 'web', portMappings: [{ containerPort: 8080, name: 'http', appProtocol: 'http' }] }],
          },
        },
      }
    default:
      return { status: 400, body: { __type: 'InvalidAction' } }
  }
}

function aTask(taskArn: string) {
  return {
    taskArn,
    taskDefinitionArn: definition,
    group: 'service:web',
    lastStatus: 'RUNNING',
    desiredStatus: 'RUNNING',
    version: 3,
    attachments: [{ type: 'ElasticNetworkInterface', details: [{ name: 'privateIPv4Address', value: '10.0.0.7' }] }],
  }
}
