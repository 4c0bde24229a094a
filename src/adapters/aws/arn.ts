/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export interface Arn {
  readonly partition: string
  readonly service: string
  readonly region: string
  readonly account: string
  /** All that follows the account. */
  readonly resource: string
}

export function parseArn(text: string): Arn | null {
  const [arn, partition = '', service = '', region = '', account = '', ...resource] = text.split(':')
  return arn === 'arn' && resource.length > 0 ? { partition, service, region, account, resource: resource.join(':') } : null
}

/** The last part of an ARN's resource: `web` of `…:service/prod/web`. */
export function nameInArn(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1)
}
