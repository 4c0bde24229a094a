import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2'
import {
  type AwsVpcConfiguration,
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs'
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type AwsEmulator, type EmulatorClientOptions, ownAccount } from './aws-emulators.ts'

/** What is run in an emulated account. */
export class Shop {
  readonly ecs: ECSClient
  readonly #network: AwsVpcConfiguration

  static async open(options: EmulatorClientOptions): Promise<Shop> {
    const ec2 = new EC2Client(options)
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.7.0.0/16' }))
    // moto gives no interface to a task without a name for it.
    await ec2.send(new ModifyVpcAttributeCommand({ VpcId: Vpc!.VpcId!, EnableDnsHostnames: { Value: true } }))
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: '10.7.1.0/24' }))
    const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ VpcId: Vpc!.VpcId!, GroupName: 'tasks', Description: 'tasks' }))
    const shop = new Shop(new ECSClient(options), { subnets: [Subnet!.SubnetId!], securityGroups: [GroupId!] })
    await shop.register('web', 'v1')
    return shop
  }

  private constructor(ecs: ECSClient, network: AwsVpcConfiguration) {
    this.ecs = ecs
    this.#network = network
  }

  async cluster(clusterName: string): Promise<string> {
    return (await this.ecs.send(new CreateClusterCommand({ clusterName }))).cluster!.clusterArn!
  }

  async register(family: string, image: string): Promise<string> {
    const command = new RegisterTaskDefinitionCommand({
      family,
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      tags: [
        { key: 'team', value: 'of-the-definition' },
        { key: 'tier', value: 'front' },
      ],
      // moto wants cpu and memory here.
      containerDefinitions: [
        { name: 'web', image, cpu: 256, memory: 512, portMappings: [{ containerPort: 8080, name: 'http', appProtocol: 'http' }] },
      ],
    })
    return (await this.ecs.send(command)).taskDefinition!.taskDefinitionArn!
  }

  /** ARNs. */
  async run(
    cluster: string,
    more: { group?: string; startedBy?: string; tags?: { key: string; value: string }[] } = {},
  ): Promise<string[]> {
    const networkConfiguration = { awsvpcConfiguration: this.#network }
    const command = new RunTaskCommand({ cluster, taskDefinition: 'web', count: 1, launchType: 'FARGATE', networkConfiguration, ...more })
    return (await this.ecs.send(command)).tasks!.map(({ taskArn }) => taskArn!)
  }

  async service(cluster: string, serviceName: string, desiredCount: number): Promise<void> {
    const taskDefinition = await this.register(serviceName, 'v1')
    const networkConfiguration = { awsvpcConfiguration: this.#network }
    await this.ecs.send(
      new CreateServiceCommand({ cluster, serviceName, taskDefinition, desiredCount, launchType: 'FARGATE', networkConfiguration }),
    )
  }
}

let queues = 0

/** A queue to which a rule of EventBridge sends what ECS says. Neither emulator says anything itself. */
export async function eventQueue(emulator: AwsEmulator) {
  const sqs = new SQSClient(emulator.options())
  const name = `skerry-${++queues}`
  // What cannot be dealt with comes again after a second.
  const { QueueUrl: url } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '1' } }))
  const Arn = `arn:aws:sqs:eu-west-1:${ownAccount}:${name}`
  await emulator.call('events', 'AWSEvents.PutRule', {
    Name: name,
    EventPattern: JSON.stringify({ source: ['aws.ecs'] }),
    State: 'ENABLED',
  })
  await emulator.call('events', 'AWSEvents.PutTargets', { Rule: name, Targets: [{ Id: '1', Arn }] })
  return {
    url: url!,
    async put(detail: object) {
      const Entries = [{ Source: 'aws.ecs', DetailType: 'ECS Task State Change', Detail: JSON.stringify(detail) }]
      await emulator.call('events', 'AWSEvents.PutEvents', { Entries })
    },
    async send(body: string) {
      await sqs.send(new SendMessageCommand({ QueueUrl: url!, MessageBody: body }))
    },
    async left(): Promise<number> {
      const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url!, AttributeNames: [...names] }))
      return names.reduce((sum, name) => sum + Number(Attributes?.[name] ?? 0), 0)
    },
  }
}
