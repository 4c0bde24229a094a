import {
  AllocateAddressCommand,
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateLaunchTemplateCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  DescribeImagesCommand,
  EC2Client,
  type IpPermission,
  RunInstancesCommand,
  type Tag,
} from '@aws-sdk/client-ec2'
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  type RegisterTaskDefinitionCommandInput,
} from '@aws-sdk/client-ecs'
import { CreateQueueCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { AwsEmulator } from '../interop/aws-emulators.ts'
import type { StateResource } from './everything.ts'

// biome-ignore lint/suspicious/noExplicitAny: resources of many types.
type Values = any

/**
 * Makes in an emulator what a state says was made, by the calls that the real provider sends for it, with the values as they were planned; an
 * emulator's own ids stand in for those that the stubs made up. Throws what the emulator refuses, with the resource's address.
 */
export class AwsReplay {
  readonly #ec2: EC2Client
  readonly #ecs: ECSClient
  readonly #sqs: SQSClient
  readonly #emulator: AwsEmulator
  /** Ids and ARNs of the stubs → those of the emulator. */
  readonly #known = new Map<string, string>()
  #vpc = ''
  #subnet = ''
  #image = ''

  constructor(emulator: AwsEmulator) {
    this.#emulator = emulator
    this.#ec2 = new EC2Client(emulator.options())
    this.#ecs = new ECSClient(emulator.options())
    this.#sqs = new SQSClient(emulator.options())
  }

  /** The types that were replayed, with how many of each. */
  async replay(resources: readonly StateResource[]): Promise<ReadonlyMap<string, number>> {
    await this.#openNetwork()
    const counts = new Map<string, number>()
    for (const [type, make] of Object.entries(this.#makers)) {
      for (const { address, values } of resources.filter(resource => resource.type === type)) {
        try {
          await make(values)
        } catch (cause) {
          throw new Error(`${address}: ${(cause as Error).message}`, { cause })
        }
        counts.set(type, (counts.get(type) ?? 0) + 1)
      }
    }
    return counts
  }

  [Symbol.dispose](): void {
    for (const client of [this.#ec2, this.#ecs, this.#sqs]) client.destroy()
  }

  /** What is referred to comes before what refers to it. */
  readonly #makers: Readonly<Record<string, (values: Values) => Promise<void>>> = {
    aws_security_group: async values => {
      const GroupName = `${values.name_prefix}${this.#known.size}`
      const input = {
        GroupName,
        Description: values.description,
        VpcId: this.#vpc,
        TagSpecifications: [tagged('security-group', values.tags)],
      }
      this.#know(values.id, (await this.#ec2.send(new CreateSecurityGroupCommand(input))).GroupId)
    },
    aws_vpc_security_group_ingress_rule: async values => {
      const input = { GroupId: this.#at(values.security_group_id), IpPermissions: [this.#permission(values)] }
      await this.#ec2.send(new AuthorizeSecurityGroupIngressCommand(input))
    },
    aws_vpc_security_group_egress_rule: async values => {
      // A new group may send anything, until the provider takes that away.
      if (values.ip_protocol === '-1') return
      const input = { GroupId: this.#at(values.security_group_id), IpPermissions: [this.#permission(values)] }
      await this.#ec2.send(new AuthorizeSecurityGroupEgressCommand(input))
    },
    aws_eip: async values => {
      await this.#ec2.send(new AllocateAddressCommand({ Domain: values.domain, TagSpecifications: [tagged('elastic-ip', values.tags)] }))
    },
    aws_ebs_volume: async values => {
      const { size: Size, type: VolumeType, encrypted: Encrypted } = values
      const TagSpecifications = [tagged('volume', values.tags)]
      await this.#ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'eu-west-1a', Size, VolumeType, Encrypted, TagSpecifications }))
    },
    aws_instance: async values => {
      const [options] = values.metadata_options
      await this.#ec2.send(
        new RunInstancesCommand({
          ImageId: this.#image,
          InstanceType: values.instance_type,
          MinCount: 1,
          MaxCount: 1,
          SubnetId: this.#subnet,
          SecurityGroupIds: values.vpc_security_group_ids.map((id: string) => this.#at(id)),
          UserData: Buffer.from(values.user_data).toString('base64'),
          MetadataOptions: {
            HttpTokens: options.http_tokens,
            HttpEndpoint: options.http_endpoint,
            HttpPutResponseHopLimit: options.http_put_response_hop_limit,
          },
          TagSpecifications: [tagged('instance', values.tags)],
        }),
      )
    },
    aws_launch_template: async values => {
      await this.#ec2.send(
        new CreateLaunchTemplateCommand({
          LaunchTemplateName: `${values.name_prefix}1`,
          LaunchTemplateData: {
            ImageId: this.#image,
            InstanceType: values.instance_type,
            UserData: values.user_data,
            SecurityGroupIds: values.vpc_security_group_ids.map((id: string) => this.#at(id)),
            TagSpecifications: values.tag_specifications.map((it: Values) => tagged(it.resource_type, it.tags)),
          },
        }),
      )
    },
    aws_sqs_queue: async values => {
      const Attributes = {
        MessageRetentionPeriod: String(values.message_retention_seconds),
        SqsManagedSseEnabled: String(values.sqs_managed_sse_enabled),
      }
      const input = { QueueName: values.name, Attributes, tags: values.tags }
      this.#know(values.url, (await this.#sqs.send(new CreateQueueCommand(input))).QueueUrl)
    },
    aws_sqs_queue_policy: async values => {
      await this.#sqs.send(new SetQueueAttributesCommand({ QueueUrl: this.#at(values.queue_url), Attributes: { Policy: values.policy } }))
    },
    aws_secretsmanager_secret: async values => {
      const Name = `${values.name_prefix}${this.#known.size}`
      const made = await this.#emulator.call('secretsmanager', 'secretsmanager.CreateSecret', {
        Name,
        Description: values.description,
        Tags: tagList(values.tags),
      })
      this.#know(values.arn, (made as { ARN: string }).ARN)
    },
    aws_cloudwatch_log_group: async values => {
      await this.#emulator.call('logs', 'Logs_20140328.CreateLogGroup', { logGroupName: values.name, tags: values.tags })
      await this.#emulator.call('logs', 'Logs_20140328.PutRetentionPolicy', {
        logGroupName: values.name,
        retentionInDays: values.retention_in_days,
      })
    },
    aws_cloudwatch_event_rule: async values => {
      await this.#emulator.call('events', 'AWSEvents.PutRule', {
        Name: values.name,
        EventPattern: values.event_pattern,
        Description: values.description,
      })
    },
    aws_ecs_cluster: async values => {
      const settings = values.setting.map((it: Values) => ({ name: it.name, value: it.value }))
      const { cluster } = await this.#ecs.send(new CreateClusterCommand({ clusterName: values.name, settings, tags: ecsTags(values.tags) }))
      this.#know(values.arn, cluster!.clusterArn)
    },
    aws_ecs_task_definition: async values => {
      const input: RegisterTaskDefinitionCommandInput = {
        family: values.family,
        networkMode: values.network_mode,
        requiresCompatibilities: values.requires_compatibilities,
        cpu: values.cpu,
        memory: values.memory,
        executionRoleArn: values.execution_role_arn,
        taskRoleArn: values.task_role_arn ?? undefined,
        containerDefinitions: JSON.parse(values.container_definitions),
        volumes: values.volume.map((it: Values) => ({ name: it.name, efsVolumeConfiguration: efsOf(it.efs_volume_configuration[0]) })),
        tags: ecsTags(values.tags),
      }
      const { taskDefinition } = await this.#ecs.send(new RegisterTaskDefinitionCommand(input))
      this.#know(values.arn, taskDefinition!.taskDefinitionArn)
    },
    aws_ecs_service: async values => {
      const [network] = values.network_configuration
      const [breaker] = values.deployment_circuit_breaker
      await this.#ecs.send(
        new CreateServiceCommand({
          cluster: this.#at(values.cluster),
          serviceName: values.name,
          taskDefinition: this.#at(values.task_definition),
          desiredCount: values.desired_count,
          launchType: values.launch_type,
          propagateTags: values.propagate_tags,
          deploymentConfiguration: {
            minimumHealthyPercent: values.deployment_minimum_healthy_percent,
            maximumPercent: values.deployment_maximum_percent,
            deploymentCircuitBreaker: { enable: breaker.enable, rollback: breaker.rollback },
          },
          networkConfiguration: {
            awsvpcConfiguration: { subnets: [this.#subnet], securityGroups: network.security_groups.map((id: string) => this.#at(id)) },
          },
          tags: ecsTags(values.tags),
        }),
      )
    },
  }

  async #openNetwork(): Promise<void> {
    const { Vpc } = await this.#ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))
    this.#vpc = Vpc!.VpcId!
    const { Subnet } = await this.#ec2.send(new CreateSubnetCommand({ VpcId: this.#vpc, CidrBlock: '10.0.1.0/24' }))
    this.#subnet = Subnet!.SubnetId!
    const { Images } = await this.#ec2.send(new DescribeImagesCommand({ MaxResults: 5 }))
    this.#image = Images![0]!.ImageId!
  }

  #permission(values: Values): IpPermission {
    const { ip_protocol: IpProtocol, from_port: FromPort, to_port: ToPort, description: Description } = values
    const from = values.cidr_ipv4
      ? { IpRanges: [{ CidrIp: values.cidr_ipv4, Description }] }
      : { UserIdGroupPairs: [{ GroupId: this.#at(values.referenced_security_group_id), Description }] }
    return { IpProtocol, FromPort, ToPort, ...from }
  }

  #know(stub: string, id: string | undefined): void {
    this.#known.set(stub, id!)
  }

  /** Throws where the state refers to what was not made. */
  #at(stub: string): string {
    const id = this.#known.get(stub)
    if (id === undefined) throw new Error(`${stub} is nothing that was made before`)
    return id
  }
}

function efsOf(values: Values): object {
  const [authorization] = values.authorization_config
  return {
    fileSystemId: values.file_system_id,
    transitEncryption: values.transit_encryption,
    authorizationConfig: { accessPointId: authorization.access_point_id, iam: authorization.iam },
  }
}

function tagged<Kind extends string>(kind: Kind, tags: Readonly<Record<string, string>>): { ResourceType: Kind; Tags: Tag[] } {
  return { ResourceType: kind, Tags: tagList(tags) }
}

function tagList(tags: Readonly<Record<string, string>> | null): { Key: string; Value: string }[] {
  return Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }))
}

function ecsTags(tags: Readonly<Record<string, string>> | null): { key: string; value: string }[] {
  return Object.entries(tags ?? {}).map(([key, value]) => ({ key, value }))
}
